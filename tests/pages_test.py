"""pages_test.py REPOSITORY OTFLEET: do the pages (*.md) say what is there?

Every relative link and its anchor resolve. Every command, in a fenced block or in backticks, names scripts, programs,
subcommands, options, keys of a job, presets, labels and CMake options that exist. README.md fits on a page, and every
table of numbers in .readme/results.md has a command beside it. In the end pages are broken on purpose, one fault each:
the test fails if one of these faults goes unnoticed. Python's standard library only.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

README_LINES = 150
RESULTS = ".readme/results.md"
SCRIPT = re.compile(r"[\w./-]+\.(?:sh|py|sbatch)\b")
FILE_ENDINGS = ("h5", "sbatch", "toml", "npy", "npz", "csv", "png", "json", "cpp", "hpp", "md", "py", "sh", "log",
                "parts", "tsv", "txt", "h5ad", "lock", "html", "css")
FENCE = re.compile(r"^\s*```")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
ENDS_COMMAND = {"&&", "||", "|", ";", "→"}


# --- what there is ---------------------------------------------------------------------------------------------


class Facts:
    """What the repository and the program have."""

    def __init__(self, root, program):
        self.root = root
        cmake = "\n".join(re.sub(r"#.*", "", path.read_text())
                          for path in [*root.rglob("CMakeLists.txt"), *(root / ".cmake").iterdir()]
                          if path.is_file() and "build" not in path.relative_to(root).parts)
        self.cmake_words = set(re.findall(r"\w+", cmake))
        self.labels = set()
        for labels in re.findall(r"LABELS\s+([^)]*)", cmake):
            self.labels |= set(re.findall(r"\b[a-z][a-z-]*\b", re.sub(r"\$<\S*|\$\{\w+\}", "", labels)))
        presets = json.loads((root / "CMakePresets.json").read_text())
        self.presets = {kind: {preset["name"] for preset in presets.get(kind + "Presets", [])}
                        for kind in ("configure", "build", "test", "workflow")}
        self.folders = {path.name for path in root.iterdir() if path.is_dir() and not path.name.endswith("-out")}
        self.folders.discard("build")

        def ask(*words):
            return subprocess.run([program, *words], check=True, capture_output=True, text=True, timeout=60).stdout

        self.keys = {line.split()[0] for line in ask("--keys").splitlines() if line and not line[0].isspace()}
        self.sections = {key.split(".")[0] for key in self.keys if "." in key}
        overview = ask("--help")
        listed = overview.split("Subcommands:")[1].split("\n\n")[0]
        self.options = {"": set(re.findall(r"^\s.*?(--[a-z-]+)", overview, re.M))}
        for name in re.findall(r"^  ([a-z]+) ", listed, re.M):
            self.options[name] = set(re.findall(r"^\s+(?:-\w,)?(--[a-z-]+)", ask(name, "--help"), re.M))
        if not self.keys or len(self.options) < 2 or not self.labels:
            raise SystemExit("pages_test: the program or CMake says nothing of its keys, subcommands or labels")

    def has_key(self, key):
        """A key, a table of keys, or all that begin like this: solver.threshold, make.pairs, files.*."""
        stem = key.removesuffix(".*")
        return stem in self.keys or any(other.startswith(stem + ".") for other in self.keys)


# --- what a page says ------------------------------------------------------------------------------------------


def headings(text):
    """The anchors that GitHub gives to a page's headings."""
    anchors, fenced = [], False
    for line in text.splitlines():
        fenced ^= bool(FENCE.match(line))
        match = re.match(r"#+\s+(.*?)\s*$", line)
        if match and not fenced:
            title = LINK.sub(lambda link: link.group(0)[1:].split("]")[0], match[1]).replace("`", "")
            anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            repeats = anchors.count(anchor)
            anchors.append(f"{anchor}-{repeats}" if repeats else anchor)
    return set(anchors)


def parts(text):
    """The prose without fenced blocks, with as many lines as before, and the blocks as (line, text)."""
    prose, blocks, fenced = [], [], False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
            if fenced:
                blocks.append([number + 1, []])
            prose.append("")
        elif fenced:
            blocks[-1][1].append(line)
            prose.append("")
        else:
            prose.append(line)
    return "\n".join(prose), [(number, "\n".join(lines)) for number, lines in blocks]


def commands(text):
    """(line, command) of everything that is written as code; continued lines are joined, here-documents left out."""
    prose, blocks = parts(text)
    for match in SPAN.finditer(prose):
        if "\n\n" not in match[1]:
            yield prose.count("\n", 0, match.start()) + 1, " ".join(match[1].split())
    for first, block in blocks:
        end_of_document, joined, start = None, "", first
        for number, line in enumerate(block.splitlines(), first):
            if end_of_document:
                if line.strip() == end_of_document:
                    end_of_document = None
                continue
            here = re.search(r"<<'?(\w+)'?", line)
            end_of_document = here[1] if here else None
            start = start if joined else number
            joined += re.sub(r"(^|\s)# .*", "", line).rstrip()
            if joined.endswith("\\"):
                joined = joined[:-1] + " "
                continue
            if joined.strip():
                yield start, joined.strip()
            joined = ""


def words_of(command):
    try:
        return shlex.split(command.replace(";", " ; ").replace("$(", " ; ").replace("…", " … "), comments=False)
    except ValueError:  # prose with an apostrophe
        return command.split()


# --- the checks: each yields faults ----------------------------------------------------------------------------


def check_links(page, text, pages, facts):
    prose = SPAN.sub(lambda match: "`" + "\n" * match[1].count("\n") + "`", parts(text)[0])
    for match in LINK.finditer(prose):
        target = match[1]
        if re.match(r"[a-z]+:", target):
            continue
        line = prose.count("\n", 0, match.start()) + 1
        name, _, anchor = target.partition("#")
        path = (facts.root / page).parent / name if name else facts.root / page
        path = path.resolve()
        if not path.exists() or not path.is_relative_to(facts.root):
            yield line, f"the link {target} leads nowhere"
        elif anchor:
            other = pages.get(str(path.relative_to(facts.root)))
            if other is None or anchor not in headings(other):
                yield line, f"{target}: no heading has this anchor"


def check_paths(page, command, facts):
    """Scripts and other files of the repository that a command names."""
    if re.search(r"[*<>]", command):
        return
    for path in {match[0] for match in SCRIPT.finditer(command)}:
        places = (facts.root / path, (facts.root / page).parent / path)
        if not path.startswith(("/", "-")) and not any(place.exists() for place in places):
            yield f"there is no {path}"
    for word in words_of(command):
        path = word.strip(",.:()'\"")
        folder = path.split("/")[0]
        placeholder = re.fullmatch(r"[A-Z_]+", path.split("/")[-1])
        if "/" in path and folder in facts.folders and re.fullmatch(r"[\w./-]+", path) and not placeholder:
            places = (facts.root / path, (facts.root / page).parent / path)
            if not any(place.exists() for place in places):
                yield f"there is no {path}"


def check_build(command, facts):
    """Presets, targets, programs, options and labels of the build."""
    words = words_of(command)
    for place, word in enumerate(words[:-1]):
        following = words[place + 1]
        if word == "--preset" and following.islower():
            before = words[:place]
            begin = max([index for index, other in enumerate(before) if other in ENDS_COMMAND], default=-1)
            before = before[begin + 1:]
            kinds = ["workflow"] if "--workflow" in before else ["build"] if "--build" in before else \
                ["test"] if "ctest" in before else ["configure"]
            if not any(following in facts.presets[kind] for kind in kinds):
                yield f"there is no {kinds[0]} preset {following}"
        if word == "--target" and "cmake" in words and following != "install" and following not in facts.cmake_words:
            yield f"there is no target {following}"
        if word == "-L" and {"ctest", "jobs/test.sh"} & set(words) and following.islower() \
                and following not in facts.labels:
            yield f"no test has the label {following}"
    for option in re.findall(r"-D ?(OTFLEET_\w+)", command):
        if option not in facts.cmake_words:
            yield f"CMake has no option {option}"
    for name in re.findall(r"(?:(?:^|[\s/])build/\w+/(\w+)(?![\w./]))|(?:^(\w+_(?:benchmark|test))\b)", command):
        name = name[0] or name[1]
        if name not in facts.cmake_words:
            yield f"the build has no program {name}"


def check_program(command, facts):
    """Subcommands, options and keys wherever a command calls otfleet."""
    words = words_of(command)
    for place, word in enumerate(words):
        if not re.fullmatch(r"(?:[\w./$-]*/)?otfleet", word) or words[place - 1:place] == ["--target"]:
            continue
        if word.startswith("build/") or word == "otfleet":
            yield from check_call(words[place + 1:], facts)


def check_call(words, facts):
    subcommand = ""
    if words and re.fullmatch(r"[a-z][a-z_]*", words[0]):
        subcommand = words[0]
        if subcommand not in facts.options:
            yield f"otfleet has no subcommand {subcommand}"
            return
    for place, word in enumerate(words):
        if word in ENDS_COMMAND:
            return
        option = re.match(r"--[a-z-]+", word)
        if option and option[0] not in facts.options[subcommand]:
            yield f"otfleet {subcommand} has no option {option[0]}"


def check_keys(command, facts):
    """Keys after --set, and code that is a key: solver.threshold, make.pairs = "all"."""
    candidates = re.findall(r"--set\s+['\"]?([a-z_]+(?:\.[a-z_0-9]+)*)\s*=", command)
    plain = re.match(r"([a-z_]+)((?:\.[a-z_0-9]+)+(?:\.\*)?|\.\*)(?:\s*=.*)?$", command)
    if plain and plain[1] in facts.sections and plain[2].split(".")[-1] not in FILE_ENDINGS:
        candidates.append(plain[1] + plain[2])
    for key in candidates:
        if not facts.has_key(key):
            yield f"a job has no key {key}"


def check_labels(text, facts):
    """The labels of the table in tests/README.md."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        inside = line.startswith("| label |") or (inside and line.startswith("|"))
        label = re.match(r"\| ([a-z-]+) \|", line)
        if inside and label and label[1] != "label" and label[1] not in facts.labels:
            yield number, f"no test has the label {label[1]}"


def check_results(text):
    """Every table with numbers has a command in the paragraph before or after it."""
    lines = text.splitlines()
    blocks, start = [], None
    for number, line in enumerate(lines + [""]):
        if line.strip() and start is None:
            start = number
        elif not line.strip() and start is not None:
            blocks.append((start + 1, "\n".join(lines[start:number])))
            start = None
    for place, (line, block) in enumerate(blocks):
        if block.startswith("|") and re.search(r"\d", block.split("\n", 2)[2]):
            beside = "\n\n".join(other for _, other in blocks[max(place - 1, 0):place + 2] if other != block)
            code = [match[1] for match in SPAN.finditer(beside)]
            if not any(re.search(r"\bbash jobs/|\bbuild/release/|\bmpirun |\botfleet ", command) for command in code):
                yield line, "no command beside this table says how it was measured"


def check(pages, facts):
    """All faults of the pages {name: text}, each a line 'page:line: what is wrong'."""
    faults = []
    for page, text in sorted(pages.items()):
        found = list(check_links(page, text, pages, facts))
        for line, command in commands(text):
            for fault in (*check_paths(page, command, facts), *check_build(command, facts),
                          *check_program(command, facts), *check_keys(command, facts)):
                found.append((line, f"{fault}: {command}"))
        if page == "README.md" and len(text.splitlines()) > README_LINES:
            found.append((README_LINES + 1, f"README.md has more than {README_LINES} lines"))
        if page == "tests/README.md":
            found += check_labels(text, facts)
        if page == RESULTS:
            found += check_results(text)
        faults += dict.fromkeys(f"{page}:{line}: {fault}" for line, fault in found)
    return faults


# --- faults that have to be found ------------------------------------------------------------------------------

BROKEN = {
    "README.md": [
        "[page](inputs/no_page.md)", "[anchor](inputs/README.md#no-such-heading)", "![picture](.readme/no.png)",
        "[here](#no-such-heading)", "`bash jobs/no_script.sh`", "`inputs/no_job.toml`",
        "```\nbash jobs/test.sh -L nolabel\n```", "`ctest -L nolabel`", "`cmake --preset ci`",
        "`cmake --build --preset ci`", "`cmake --workflow --preset ci`", "`ctest --preset tidy`",
        "`cmake --build --preset release --target nothing`", "`cmake --preset release -D OTFLEET_NOTHING=ON`",
        "`build/release/no_benchmark`", "`no_benchmark --benchmark_filter=x`",
        "```\notfleet slove JOB.toml\n```", "`otfleet solve --sauce a.npy`", "`otfleet info --strict`",
        "`otfleet --key`",
        "```\nmpirun -n 2 build/release/otfleet solve x.toml \\\n    --set solver.treshold=1\n```",
        "`--set solver.treshold=1`", "`solver.treshold`", "`make.pears = \"all\"`", "`evaluate.nothing.*`",
        "line\n" * README_LINES],
    "tests/README.md": ["| label | what |\n|---|---|\n| nolabel | nothing |"],
    RESULTS: ["| a | b |\n|---|---|\n| x | 1.5 |"],
}


def unnoticed(pages, facts):
    """Those of the faults above that check() does not find."""
    missed, before = [], set(check(pages, facts))
    for page, faults in BROKEN.items():
        for fault in faults:
            broken = f"{pages[page]}\n\nplain words\n\n{fault}\n\nplain words\n"
            if set(check({**pages, page: broken}, facts)) <= before:
                missed.append(f"{page}: {fault[:60]!r}")
    return missed


def main():
    root, program = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    facts = Facts(root, program)
    pages = {}
    for path in root.rglob("*.md"):
        name = path.relative_to(root)
        if not any(part in ("build", ".git") or part.endswith("-out") for part in name.parts):
            pages[str(name)] = path.read_text(encoding="utf-8")
    faults = check(pages, facts)
    missed = unnoticed(pages, facts)
    for line in (*faults, *(f"this fault goes unnoticed in {fault}" for fault in missed)):
        print(line)
    print(f"{len(pages)} pages, {sum(1 for text in pages.values() for _ in commands(text))} pieces of code, "
          f"{len(faults)} faults")
    return 1 if faults or missed else 0


if __name__ == "__main__":
    sys.exit(main())

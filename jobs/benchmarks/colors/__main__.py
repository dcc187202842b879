"""Trains a model of color transfer on a folder of images, evaluates it on held-out ones beside other ways to make the
same maps, prints JSON, and draws a contact sheet. See ../colors.sh.

Usage: python3 colors FOLDER IMAGES --otfleet PROGRAM [--ranks N] [--minutes M] [--smoke]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw

JOB = pathlib.Path(__file__).resolve().parents[3] / "inputs" / "colors.toml"
FIGURES = ("distance", "divergence", "mmd", "cost", "dual")
SHEET_PAIRS = 6
# A picture on the sheet, in pixels.
WIDTH, HEIGHT, LABEL = 200, 150, 18


def is_gray(image):
    pixels = np.asarray(Image.open(image).convert("RGB")).reshape(-1, 3) / 255
    return np.ptp(pixels - pixels.mean(1, keepdims=True)) <= 0.02


def split(images, folder):
    """Folders of links: to two thirds of the images, and to the rest."""
    files = sorted(file for file in images.iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg"))
    folders = folder / "images_train", folder / "images_test"
    for one in folders:
        one.mkdir()
    for number, file in enumerate(files):
        if not is_gray(file):
            (folders[number % 3 == 1] / file.name).symlink_to(file)
    return folders


def run(options, command, output, settings, ranks=None):
    ranks = options.ranks if ranks is None else ranks
    words = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    words += [options.otfleet, command, str(JOB), "--output", str(output), "--quiet"]
    for setting in settings:
        words += ["--set", setting]
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(words, check=True, stdout=sys.stderr, env=environment)
    report = output / "report.json"
    return json.loads(report.read_text()) if report.exists() else None


def fitted(file):
    """A picture of the sheet's size, its sides in proportion."""
    image = Image.open(file).convert("RGB")
    image.thumbnail((WIDTH, HEIGHT), Image.LANCZOS)
    cell = Image.new("RGB", (WIDTH, HEIGHT), "white")
    cell.paste(image, ((WIDTH - image.width) // 2, (HEIGHT - image.height) // 2))
    return cell


def draw_sheet(file, columns, rows):
    """`columns`: names; `rows`: files of pictures."""
    sheet = Image.new("RGB", (len(columns) * (WIDTH + 4), LABEL + len(rows) * (HEIGHT + 4)), "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(columns):
        draw.text((column * (WIDTH + 4) + 4, 3), name, fill="black")
        for row, pictures in enumerate(rows):
            sheet.paste(fitted(pictures[column]), (column * (WIDTH + 4), LABEL + row * (HEIGHT + 4)))
    sheet.save(file, quality=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("--otfleet", required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    folder, steps = options.folder, (100, 1000)
    make = []
    if options.smoke:
        options.minutes, steps = 0.05, (2, 5)
        make = ["make.pixels=200", "make.crops=1", "make.train_problems=20", "make.test_problems=2"]
    train_images, test_images = split(options.images, folder)
    data = [f"data.train.file={train_images}", f"data.test.file={test_images}"]
    run(options, "make", folder / "make", data + make, ranks=1)
    files = [f"files.train_population={folder / 'make' / 'train.h5'}",
             f"files.test_population={folder / 'make' / 'test.h5'}"]
    training = run(options, "train", folder / "model", files + [f"train.minutes={options.minutes}"])
    run(options, "train", folder / "fresh", files + ["train.steps=0"], ranks=1)

    def checkpoint(name):
        return f"files.checkpoint={folder / name / 'model.h5'}"

    ways = {}
    for name, model in (("model", "model"), ("from scratch", "fresh")):
        ways[name] = [checkpoint(model)]
        for count in steps + ((2 * steps[-1],) if model == "fresh" else ()):
            ways[f"{name}, {count} steps"] = [checkpoint(model), f"fine_tune.steps={count}"]
    for method in ("gaussian", "entropic", "sliced"):
        ways[method] = [f"map.method={method}"] + ["map.epsilon=0.01"] * (method == "entropic")
    result = {"minutes": options.minutes, "ranks": options.ranks, "steps": training["steps"],
              "parameters": training["parameters"], "maps": {}}
    for name, settings in ways.items():
        report = run(options, "evaluate", folder / "evaluate" / name.replace(", ", "-").replace(" ", "-"),
                     files + settings + ["evaluate.points=500"])
        own = next(value for setting in settings + ["map.method=model"]
                   for key, value in [setting.split("=", 1)] if key == "map.method")
        result["maps"][name] = {"map_milliseconds": report["map_milliseconds"],
                                **{figure: report["maps"][own][figure] for figure in FIGURES}}
        for row in ("identity", "target_again"):
            result["maps"][row] = {figure: report["maps"][row][figure] for figure in FIGURES}
        result["problems"] = report["problems"]

    shown = {"model alone": ways["model"], f"model, {steps[0]} steps": ways[f"model, {steps[0]} steps"],
             "entropic": ways["entropic"], "sliced": ways["sliced"], "between Gaussians": ways["gaussian"]}
    pictures = {}
    for name, settings in shown.items():
        output = folder / "solve" / name.replace(", ", "-").replace(" ", "-")
        run(options, "solve", output, files + settings + [f"map.images={test_images}"])
        pictures[name] = sorted((output / "images").iterdir())
    named = {file.stem: file for file in test_images.iterdir()}
    rows = []
    for k, file in enumerate(pictures["sliced"][:SHEET_PAIRS]):
        source, target = next((a, b) for a in named for b in named if file.stem[5:] == f"{a}-as-{b}")
        rows.append([named[source], named[target]] + [pictures[name][k] for name in shown])
    draw_sheet(folder / "sheet.jpg", ["image", "colors of", *shown], rows)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

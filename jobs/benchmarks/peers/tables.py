"""The rows as a table in Markdown."""

CAPTION = """\
{note}Milliseconds a problem, the median of {repeats} rounds in which all take turns; where a pass
over the batch takes longer than {enough:.0f} s, one pass, cut there. {machine}; peers may use all
cores, otfleet has {ranks} ranks. Not counted: compiling, one warm-up pass for each shape, files,
POT's cost matrix (but for clouds), and otfleet's certificates, since no peer makes any; otfleet's
starts and iterations are counted. Everybody has the same absolute ε and the same cost, squared
distance (not halved) or arc, in float64 (clouds: float32), and the same threshold on the L1
marginal error; clouds: ten plain Sinkhorn iterations. otfleet tests it every iteration; OTT-JAX has
the better of inner_iterations 10 and 1 (spherical: 10); POT stops by an L2 norm every ten
iterations, at a value searched beforehand so that the judged error is just below the threshold;
numpy runs as many iterations as needed, without a test. 'Error' is the largest L1 error of both
marginals over the problems solved, recomputed in double from the returned (f, g). Ratio: the peer's
time over otfleet's, only where both reached the goal. 'One at a time' in a batch: the peer is
called for one problem after the other.
{versions}
"""


def markdown(rows, facts):
    lines = [CAPTION.format(**facts)]
    for block in _blocks(rows):
        first = block[0]
        goal = f"to {first['threshold']:.0e}" if first["threshold"] else "10 iterations"
        lines += [
            f"**{first['case']}, ε = {first['epsilon']:g}, {goal}, batch {first['batch']}**",
            "",
            "| peer | setting | ms | error | otfleet | ms | error | ratio |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in block:
            lines.append(
                "| {peer} | {peer_setting} | {} | {} | {ours_setting} | {} | {} | {} |".format(
                    _ms(row["peer_seconds_per_instance"]),
                    _error(row["judged_error_peer"]),
                    _ms(row["ours_seconds_per_instance"]),
                    _error(row["judged_error_ours"]),
                    "–" if row["ratio"] is None else f"{row['ratio']:.3g}",
                    **row,
                )
            )
        lines.append("")
    return "\n".join(lines)


def _blocks(rows):
    blocks = {}
    for row in rows:
        key = row["case"], row["epsilon"], row["threshold"], row["batch"]
        blocks.setdefault(key, []).append(row)
    return blocks.values()


def _ms(seconds):
    return "–" if seconds is None else f"{seconds * 1e3:.3g}"


def _error(error):
    return "–" if error is None else f"{error:.1e}"

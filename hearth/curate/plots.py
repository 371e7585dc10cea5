"""The plots of a data card, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from hearth.svg import inline_svg

Report = Mapping[str, Any]

_STYLE: Final = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "text.parse_math": False,  # a name with dollars is a name
    "font.size": 9,
    "axes.titlesize": 10,
}
_LEFT, _LOST, _PALE = "#2b6cb0", "#c05621", "#dde3ea"
_LANGUAGES: Final = {"en": "#2b6cb0", "zh": "#c05621"}
_OTHER: Final = "#7a8794"
_ROW: Final = 0.27
_MILLION: Final = 1_000_000


def plots(report: Report) -> dict[str, str]:
    """Return the plots of a report by name; one with nothing to show is left out."""
    with mpl.rc_context(_STYLE):
        drawn = {
            "waterfall": _waterfall(report["waterfall"]),
            "languages": _languages(report),
            "pii": _pii(report),
            "clusters": _clusters(report["cluster_sizes"]),
            "keywords": _keywords(report["keywords"]),
            "perplexity": _perplexity(report["perplexity"]),
            "tags": _tags(report["tags"]),
            "mixture": _mixture(report["mixture"]),
            "weights": _weights(report["mixture_weights"]["parts"]),
        }
    return {name: svg for name, svg in drawn.items() if svg}


def _waterfall(steps: Sequence[Mapping[str, Any]]) -> str:
    title = "What each step left, and what it took"
    figure, axes = _figure(title, len(steps), columns=2)
    places = np.arange(len(steps))
    for one, what in zip(axes, ("documents", "characters"), strict=True):
        unit = _MILLION if max(step[f"{what}_in"] for step in steps) > _MILLION else 1
        left = np.array([step[f"{what}_out"] for step in steps]) / unit
        entered = np.array([step[f"{what}_in"] for step in steps]) / unit
        one.barh(places, left, color=_LEFT, height=0.7, label="left")
        # Cleaning may lengthen a text: then nothing was lost.
        lost = np.maximum(entered - left, 0)
        one.barh(places, lost, left=left, color=_LOST, height=0.7, label="taken")
        one.set_xlabel(f"{what}, in millions" if unit > 1 else what)
        one.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        one.xaxis.set_major_locator(MaxNLocator(5))
        _rows(one, [step["step"] for step in steps])
    axes[1].tick_params(labelleft=False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return inline_svg(figure, title)


def _languages(report: Report) -> str:
    title = "What each step took of each language, in percent of its characters"
    kept = {step["step"]: step["languages"] for step in report["kept"]}
    names = [name for name in _LANGUAGES if any(name in here for here in kept.values())]
    told = report["parallel"] if report["twins"]["texts"] else ()
    twins = {step["step"]: step for step in told}
    steps = list(kept)
    if not names:
        return ""
    figure, axes = _figure(title, len(steps) * 1.4, columns=2 if twins else 1)
    taken = {
        name: [_taken(kept[step].get(name, {}).get("characters")) for step in steps]
        for name in names
    }
    _grouped(axes[0], steps, taken, "all documents")
    if twins:
        paired = {
            name: [_taken(twins[s][name]["characters"] if s in twins else None) for s in steps]
            for name in _LANGUAGES
        }
        _grouped(axes[1], steps, paired, "texts that are there in both")
        axes[1].tick_params(labelleft=False)
        for place, step in enumerate(steps):
            if step in twins and "why" in twins[step]:
                axes[1].axhspan(place - 0.5, place + 0.5, color=_LOST, alpha=0.15, linewidth=0)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(names))
    return inline_svg(figure, title)


def _taken(kept: float | None) -> float:
    return 0.0 if kept is None else max(0.0, (1 - kept) * 100)


def _grouped(axes: Axes, steps: Sequence[str], taken: Mapping[str, list[float]], what: str) -> None:
    height = 0.8 / len(taken)
    for number, (name, values) in enumerate(taken.items()):
        places = np.arange(len(steps)) + (number - (len(taken) - 1) / 2) * height
        axes.barh(places, values, height * 0.9, color=_LANGUAGES[name], label=name)
    axes.set_title(what, loc="left", color=_OTHER)
    axes.set_xlabel("% taken")
    _rows(axes, steps)


def _pii(report: Report) -> str:
    title = "Personal information found, by source and kind"
    kinds = list(report["pii"])
    sources = [name for name, source in report["sources"].items() if source["pii"]["found"]]
    found = [[report["sources"][s]["pii"]["kinds"].get(k, 0) for k in kinds] for s in sources]
    return _heat(title, sources, kinds, found)


def _keywords(found: Mapping[str, Any]) -> str:
    title = "Keywords found, by source and category"
    sources = found["sources"]
    categories = sorted({name for hits in sources.values() for name in hits})
    counts = [[hits.get(name, 0) for name in categories] for hits in sources.values()]
    return _heat(title, list(sources), categories, counts)


def _heat(
    title: str, rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]
) -> str:
    if not rows or not columns:
        return ""
    values = np.array(counts, dtype=float)
    figure, (axes,) = _figure(title, len(rows) + 3.5)
    shown = np.log1p(values)
    # Not an image: cells stay sharp, and a page that loads no images shows them.
    axes.pcolormesh(
        shown, cmap="Blues", vmin=0, vmax=max(shown.max(), 1.0) * 1.3, edgecolors="white"
    )
    for (row, column), value in np.ndenumerate(values):
        if value:
            dark = shown[row, column] > shown.max() * 0.8
            colour = "white" if dark else "#1d2733"
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{value:,.0f}",
                ha="center",
                va="center",
                color=colour,
                size=7.5,
            )
    axes.set_xticks(
        np.arange(len(columns)) + 0.5, columns, rotation=40, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return inline_svg(figure, title)


def _clusters(levels: Mapping[str, Any]) -> str:
    title = "Clusters of copies"
    if not any(cell["clusters"] for found in levels.values() for cell in found["sizes"]):
        return ""
    figure, axes = _figure(title, 7, columns=2)
    for one, (which, label) in zip(
        axes, (("sizes", "members"), ("diameters", "diameter (Jaccard distance)")), strict=True
    ):
        width = 0.8 / len(levels)
        for number, (level, found) in enumerate(levels.items()):
            places = np.arange(len(found[which])) + (number - (len(levels) - 1) / 2) * width
            counts = [cell["clusters"] for cell in found[which]]
            colour = (_LEFT, _LOST)[number % 2]
            bars = one.bar(places, counts, width * 0.9, color=colour, label=f"{level}s")
            one.bar_label(bars, [f"{n:,}" if n else "" for n in counts], size=7.5)
            one.set_xticks(range(len(counts)), [cell["bin"] for cell in found[which]])
        one.set_xlabel(label)
        one.grid(visible=True, axis="y", alpha=0.3)
        one.grid(visible=False, axis="x")
    axes[0].set_ylabel("clusters")
    axes[0].legend(loc="upper right")
    return inline_svg(figure, title)


def _perplexity(languages: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    title = "Perplexity of the documents that stay"
    known = {
        (language, domain): found
        for language, domains in languages.items()
        for domain, found in domains.items()
        if found["p50"] is not None
    }
    if not known:
        return ""
    figure, (axes,) = _figure(title, len(known) * 1.3 + 2.5)
    for place, ((language, _), found) in enumerate(known.items()):
        colour = _LANGUAGES.get(language, _OTHER)
        axes.plot([found["p5"], found["p95"]], [place] * 2, color=colour, linewidth=1.5)
        axes.plot(
            [found["p25"], found["p75"]], [place] * 2, color=colour, linewidth=9, alpha=0.6,
            solid_capstyle="butt",
        )  # fmt: skip
        axes.plot([found["p50"]], [place], "|", color="#1d2733", markersize=14, markeredgewidth=2)
        for name, mark in (("low", "+"), ("high", "x")):
            if found[name] is not None:
                axes.plot([found[name]], [place], mark, color="#a3261d", markersize=7)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.set_ylim(-0.6, len(known) - 0.4)
    axes.set_xlabel(
        "perplexity per character: p5 to p95, p25 to p75, median |, flagged below +, gone above ×"
    )
    _rows(axes, [" ".join(part) for part in known])
    return inline_svg(figure, title)


def _mixture(mixture: Mapping[str, Any]) -> str:
    title = "Mixture: share of the tokens of train"
    groups = {way: mixture[way] for way in ("language", "domain", "source") if mixture[way]}
    labels = [f"{name}" for parts in groups.values() for name in parts]
    if not labels:
        return ""
    figure, (axes,) = _figure(title, len(labels) + len(groups))
    place, ticks = 0.0, []
    for (way, parts), colour in zip(groups.items(), (_LEFT, _LOST, _OTHER), strict=False):
        places = place + np.arange(len(parts))
        shares = [part["share"] * 100 for part in parts.values()]
        bars = axes.barh(places, shares, 0.7, color=colour)
        bars.set_label(f"by {way}")
        axes.bar_label(bars, [f"{value:.1f}" for value in shares], padding=3, size=7.5)
        ticks += list(places)
        place += len(parts) + 0.6
    _rows(axes, labels, ticks)
    axes.set_xlabel("% of the tokens of train")
    axes.set_xlim(0, 112)
    axes.legend(loc="lower right")
    return inline_svg(figure, title)


def _tags(tags: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    title = "Tags: share of the tokens, by structure, jurisdiction and topic"
    if not any(tags.values()):
        return ""
    figure, axes = _figure(title, max(map(len, tags.values())), columns=3)
    # Every document has one structure; of topics it may have several.
    total = max(1, sum(one["tokens"] for one in tags["structures"].values()))
    for one, (name, found), colour in zip(axes, tags.items(), (_LEFT, _LOST, _OTHER), strict=True):
        ordered = sorted(found, key=lambda tag: -found[tag]["tokens"])
        shares = [100 * found[tag]["tokens"] / total for tag in ordered]
        one.barh(np.arange(len(ordered)), shares, color=colour)
        one.set_title(name, loc="left", color=_OTHER)
        one.set_xlabel("% of tokens")
        _rows(one, ordered)
    return inline_svg(figure, title)


def _weights(parts: Sequence[Mapping[str, Any]]) -> str:
    title = "Mixture: share of the tokens that training is to draw"
    if not parts:
        return ""
    total = sum(part["tokens"] for part in parts)
    figure, (axes,) = _figure(title, len(parts) * 1.6 + 1)
    series = {
        "there": ([part["tokens"] / total for part in parts], _PALE),
        "wanted": ([part["target"] for part in parts], _LOST),
        "given": ([part["share"] for part in parts], _LEFT),
    }
    for number, (name, (values, colour)) in enumerate(series.items()):
        places = np.arange(len(parts)) + (number - 1) * 0.27
        axes.barh(places, [value * 100 for value in values], 0.25, color=colour, label=name)
    _rows(axes, [f"{part['language']} {part['domain']}" for part in parts])
    axes.set_xlabel("% of tokens")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return inline_svg(figure, title)


def _rows(axes: Axes, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    axes.set_yticks(range(len(names)) if places is None else places, names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def _figure(title: str, rows: float, *, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(9.6, 1.2 + rows * _ROW), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for one in axes:
        one.grid(visible=True, axis="x", alpha=0.3)
        one.set_axisbelow(True)
        one.spines[["top", "right", "left"]].set_visible(False)
    return figure, axes

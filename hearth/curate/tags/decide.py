"""From counted words to tags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from hearth.curate.keywords.section import Hits
from hearth.curate.tags.section import TagSection


def topics(found: Iterable[Hits], section: TagSection) -> tuple[str, ...]:
    """Return the topics whose words are frequent enough, the most frequent first."""
    enough = [
        one
        for one in found
        if one.hits >= section.topic_hits and one.distinct >= section.topic_words
    ]
    enough.sort(key=lambda one: (-one.hits, -one.distinct, one.category))
    return tuple(one.category for one in enough[: section.topics_most])


def jurisdiction(found: Iterable[Hits], declared: str | None = None) -> str | None:
    """Return the jurisdiction whose words are the most frequent.

    Args:
        found: What a document holds of each.
        declared: Its source's, which stands where there is none.
    """
    whole: Counter[str] = Counter()
    parts: dict[str, set[str]] = defaultdict(set)
    for one in found:
        name = one.category.partition("-")[0]
        whole[name] += one.hits
        if one.category != name:
            parts[name].add(one.category)
    if not whole:
        return declared
    name = min(whole, key=lambda name: (-whole[name], name))
    return min(parts[name]) if len(parts[name]) == 1 else name

"""The peer of `pii.py`, run by presidio's own Python: patterns alone, without a language model.

Reads a JSON list of texts; for each line on standard input finds and replaces in all of them, and
prints a JSON list of (set, name, seconds of CPU, found). Two sets of recognizers: presidio's own
pattern recognizers that are on by default for English, and the two of them that a Chinese corpus
needs besides patterns written for it. Texts of both languages go through both.
"""

# It runs where presidio is, and its types are not needed for anything.
# ruff: noqa: ANN001, ANN003, ANN201, ANN204, ARG002
from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from presidio_analyzer import (
    AnalyzerEngine,
    ContextAwareEnhancer,
    Pattern,
    PatternRecognizer,
    RecognizerRegistry,
)
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, IpRecognizer
from presidio_anonymizer import AnonymizerEngine

LANGUAGE = "en"
CHINESE = {
    "CN_RESIDENT_ID": r"(?<![0-9A-Za-z])[1-8]\d{16}[\dXx](?![0-9A-Za-z])",
    "CN_MOBILE": r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)",
    "BANK_CARD": r"(?<!\d)(?:62|4|5)\d{14,17}(?!\d)",
    "PASSPORT": r"(?<![0-9A-Za-z])(?:E[A-Z0-9]\d{7}|[GSDP]\d{8})(?![0-9A-Za-z])",
    "CN_USCC": r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])",
}


class NoModel(NlpEngine):
    """No tokens, no lemmas, no entities: what patterns need."""

    engine_name = "none"
    is_available = True

    def load(self):
        """Load nothing."""

    def is_loaded(self):
        """Nothing needs loading."""
        return True

    def process_text(self, text, language):
        """Return nothing about a text."""
        return NlpArtifacts([], [], [], [], self, language)

    def process_batch(self, texts, language, **_options):
        """Return nothing about many."""
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        """No word is."""
        return False

    def is_punct(self, word, language):
        """No word is."""
        return False

    def get_supported_entities(self):
        """There are none."""
        return []

    def get_supported_languages(self):
        """Say the one that recognizers are asked for."""
        return [LANGUAGE]


class NoContext(ContextAwareEnhancer):
    """Leave scores as they are: there are no tokens to look at."""

    def __init__(self):
        super().__init__(0, 0, 0, 0)

    def enhance_using_context(self, **said):
        """Return what was found."""
        return said["raw_results"]


def engine(recognizers):
    """Make an analyzer of some recognizers."""
    registry = RecognizerRegistry(recognizers=recognizers, supported_languages=[LANGUAGE])
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=NoModel(),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=NoContext(),
    )


def engines():
    """Return the analyzers by name."""
    registry = RecognizerRegistry(supported_languages=[LANGUAGE])
    registry.load_predefined_recognizers(languages=[LANGUAGE])
    own = [made for made in registry.recognizers if isinstance(made, PatternRecognizer)]
    lean = [EmailRecognizer(supported_language=LANGUAGE), IpRecognizer(supported_language=LANGUAGE)]
    lean += [
        PatternRecognizer(name, patterns=[Pattern(name, expression, 0.6)])
        for name, expression in CHINESE.items()
    ]
    return {
        "own": (f"presidio, its {len(own)} for English", engine(own)),
        "lean": ("presidio, 2 of its own and 5 Chinese patterns", engine(lean)),
    }


def main():
    """Answer every line."""
    logging.disable(logging.WARNING)
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    made, anonymizer = engines(), AnonymizerEngine()
    for _ in sys.stdin:
        said = []
        for group, (name, analyzer) in made.items():
            found = 0
            started = time.process_time()
            for text in texts:
                results = analyzer.analyze(text, language=LANGUAGE)
                anonymizer.anonymize(text, results)
                found += len(results)
            spent = time.process_time() - started
            said.append({"set": group, "name": name, "seconds": spent, "found": found})
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()

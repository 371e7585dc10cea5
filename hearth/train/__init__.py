"""Train: a tokenizer and a language model of the corpus, from scratch, under torchrun."""

"""Evaluate: item scores of one model on one suite, by lm-eval, beside an n-gram baseline's."""

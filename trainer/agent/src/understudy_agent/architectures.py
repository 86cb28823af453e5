"""Architectures whose adapters we can convert, with a test against llama.cpp each."""

SUPPORTED = frozenset({"llama"})

# How llama.cpp cuts text before its byte pair merges ("tokenizer.ggml.pre"), for those that a test compares.
# True: every digit stands alone.
PRETOKENIZERS = {"smollm": True}

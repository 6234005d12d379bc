"""From texts to vectors: cut at the model's limit, batched by tokens, run, pooled, checked."""

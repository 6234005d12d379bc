"""Works out the signals of comparisons, family by family, as what they rest on changes."""

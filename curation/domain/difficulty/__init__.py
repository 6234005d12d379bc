"""How likely two more annotators would disagree about a comparison, foretold and checked."""

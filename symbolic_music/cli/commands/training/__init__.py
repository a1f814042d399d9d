"""The verbs that prepare data, train and evaluate."""

"""Whether a training taught anything: which rows are held out, and what the model makes of them before and after."""

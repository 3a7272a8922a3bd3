"""The checks behind `script/check`: each module is one, run by its name."""

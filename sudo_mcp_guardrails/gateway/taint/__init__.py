"""Where the arguments of a call come from, and whether somebody who may say so said so."""

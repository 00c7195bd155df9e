"""The benchmark: our server beside a calibrator, which is the same stack without a database.

`scripts/bench` runs it. Absolute times depend more on the machine than on the code. Therefore one
client measures both sides in turn in one run, and the ratio of the medians counts.
"""

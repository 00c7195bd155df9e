"""The benchmark: our server beside a calibrator, which is the same stack without a database.

`scripts/bench` runs it. Absolute times say more about the machine than about the code, therefore
both sides are asked in turn by one client in one run, and the ratio of the medians is what counts.
"""

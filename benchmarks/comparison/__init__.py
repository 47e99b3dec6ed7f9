"""The benchmark's parts, in the order of the data:

environment (programs, Python packages) -> models (files, inputs, references) -> process and worker (a peer in a process of
its own) -> peers/ (one file a peer) -> rounds (who runs when) -> figures (medians, ratios) -> report and plot.

The driver needs Python's standard library alone; what needs numpy or more runs in workers."""

# A whole distribution, for what a small shell cannot do: capabilities, attributes, other shells.
FROM packages

"""The YAML rules: expressions, phone numbers, and fitting a lead to Fusion's limits. Pure: no I/O, no clock.

`mapping` is the front door (compile once, apply to every reading); `expression` serves other rooms'
templates. Rule for editors: nothing in here may raise because of what a payload holds.
"""

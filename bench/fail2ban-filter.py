"""fail2ban's own Filter class on every line of a log, with nothing around it: CONFIG LOG. Says how many failures it found.
Run with the python3 that fail2ban is installed for."""

import logging
import sys

from fail2ban.client.filterreader import FilterReader
from fail2ban.server.filter import Filter

CONFIG, LOG = sys.argv[1:]
SETTERS = {
    "prefregex": lambda value: setattr(matcher, "prefRegex", value),
    "addfailregex": lambda value: matcher.addFailRegex(value),
    "addignoreregex": lambda value: matcher.addIgnoreRegex(value),
    "maxlines": lambda value: matcher.setMaxLines(value),
    "datepattern": lambda value: matcher.setDatePattern(value),
}

logging.disable(logging.CRITICAL)
matcher = Filter(None)
matcher.checkFindTime = False
reader = FilterReader("sshd", "sshd", {}, basedir=CONFIG, share_config={})
reader.read()
reader.getOptions({})
for command in reader.convert():
    for value in command[3] if command[0] == "multi-set" else [command[3]]:
        if command[2] in SETTERS:
            SETTERS[command[2]](value)

failures = 0
with open(LOG, encoding="utf-8") as log:
    for line in log:
        failures += len(matcher.processLine(line.rstrip("\n")))
print(failures)

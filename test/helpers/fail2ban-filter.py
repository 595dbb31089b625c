"""fail2ban's own Filter, asked line by line. Reads a JSON object a line: the folder of a configuration, a filter, its options, the
time it is, and lines for one instance of it; answers with a JSON array a line: what it said of each. To be run with the python3
that fail2ban is installed for; arguments: the zone, and the epoch seconds when fail2ban was started."""

import datetime
import json
import logging
import os
import sys
import time

os.environ["TZ"] = sys.argv[1]
time.tzset()
STARTED = float(sys.argv[2])
# Seconds that a session is remembered after its last line.
MEMORY = 300


class FixedNow(datetime.datetime):
    """The years that %ExY takes hang on the day that fail2ban was started."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(STARTED, tz)


real = datetime.datetime
datetime.datetime = FixedNow
import fail2ban.server.strptime  # noqa: E402

datetime.datetime = real

from fail2ban.server.datedetector import DateDetector, DateDetectorCache  # noqa: E402
from fail2ban.server.ipdns import IPAddr  # noqa: E402

# The filter language of f2b-stream is that of version 1.1. What 1.0 does otherwise is brought up to it, here and below, rather than
# excused afterwards, since a difference would go on in what is remembered of dates and sessions. There are four such places;
# `<F-NAME/>` is new too, but no filter of 1.0 has it.
# 1. An IPv6 address may begin with one colon, so "::" alone is one.
IPAddr.IP_6_RE = IPAddr.IP_6_RE.replace("?|::)", "?|:)")
# 2. 20050123-21:59:59 is a date.
DateDetectorCache.DEFAULT_TEMPLATES = [
    date.replace("(?:T|", "(?:[-T]|").replace("ExH%ExM%", "ExH:?%ExM:?%") if date.startswith("%ExY%Exm") else date
    for date in DateDetectorCache.DEFAULT_TEMPLATES
]

from fail2ban.client.filterreader import FilterReader  # noqa: E402
from fail2ban.server.failregex import FailRegex  # noqa: E402
from fail2ban.server.filter import Filter  # noqa: E402
from fail2ban.server.mytime import MyTime  # noqa: E402

logging.disable(logging.CRITICAL)


class NewerFailRegex(FailRegex):
    """3. Groups that took no part leave those of the prefregex as they are."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        get = self.getGroups
        self.getGroups = lambda: {name: value for name, value in get().items() if value is not None}


fail2ban.server.filter.FailRegex = NewerFailRegex


class EarlierReading:
    """In the doubled hour mktime chooses by what it was asked before: here the earlier time, as f2b-stream does."""

    def mktime(self, fields):
        first = real(*fields[:6])
        second = first.replace(fold=1)
        return first.timestamp() if first.timestamp() < second.timestamp() else time.mktime(fields)


fail2ban.server.strptime.time = EarlierReading()


class LogTimeCache:
    """Sessions that grow old by the log's clock, as in a replay. fail2ban's go by the clock on the wall, which stands still here."""

    def __init__(self, now):
        self._now = now
        self._entries = {}

    def __len__(self):
        return 1 + len(self._entries)

    def get(self, key):
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._now() - entry[1] > MEMORY:
            self.unset(key)
            return None
        entry[1] = self._now()
        return entry[0]

    def set(self, key, value):
        self._entries[key] = [value, self._now()]

    def unset(self, key):
        self._entries.pop(key, None)


def joined(value):
    """`<F-TUPLE_ID>`: f2b-stream has one text."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


class Peer:
    """One instance of a filter, set up as fail2ban's own tests do it."""

    def __init__(self, config, name, options, now):
        MyTime.setTime(now)
        self._now = now
        self._time = now
        self._filter = Filter(None)
        self._filter.returnRawHost = True
        self._filter.checkFindTime = False
        reader = FilterReader(name, "jail", options, basedir=config, share_config={})
        reader.read()
        reader.getOptions({})
        for command in reader.convert():
            values = command[3] if command[0] == "multi-set" else [command[3]]
            for value in values:
                self._set(command[2], value)
        self._filter._Filter__mlfidCache = LogTimeCache(lambda: self._time)
        find = self._filter.findFailure
        self._filter.findFailure = lambda *args, **kwargs: self._find(find, *args, **kwargs)
        templates = self._filter.dateDetector
        if not templates.templates:
            templates.addDefaultTemplate()
        self._templates = [each.template for each in templates.templates]

    def _set(self, name, value):
        if name == "prefregex":
            self._filter.prefRegex = value
        elif name == "addfailregex":
            self._filter.addFailRegex(value)
        elif name == "addignoreregex":
            self._filter.addIgnoreRegex(value)
        elif name == "maxlines":
            self._filter.setMaxLines(value)
        elif name == "datepattern":
            self._filter.setDatePattern(value)
        elif name == "usedns":
            self._filter.setUseDns(value)

    def _find(self, find, line, date, noDate=False):
        self._time = date or self._filter._Filter__lastDate or self._now
        return find(line, date, noDate=noDate)

    def answer(self, text, journal):
        # What it remembers of earlier dates would let the order of lines decide which date is taken.
        detector = DateDetector()
        for template in self._templates:
            detector._appendTemplate(template)
        self._filter.dateDetector = detector
        if journal:
            found = self._filter.processLine(("", "now ", text), self._now)
        else:
            found = self._filter.processLine(text)
        if not found:
            return None
        regex, fid, date, fail = found[0]
        # 4. A line marked nofail is no failure, outside a session too.
        if fail.get("nofail") and fail.get("mlfid") is None:
            return None
        groups = {name: joined(value) for name, value in fail.items() if isinstance(value, (str, tuple))}
        raw = next((groups[name] for name in ("fid", "ip4", "ip6", "dns") if name in groups), None)
        return {
            "id": raw,
            "ban": str(fid),
            "time": None if date is None else round(date * 1000),
            "attempts": len(fail.get("matches", ())),
            "regex": regex,
            "groups": groups,
        }


for request in sys.stdin:
    asked = json.loads(request)
    peer = Peer(asked["config"], asked["filter"], asked["options"], asked["now"])
    answers = []
    for line in asked["lines"]:
        try:
            answers.append(peer.answer(line, asked["journal"]))
        except Exception as error:
            answers.append({"error": "%s: %s" % (type(error).__name__, error)})
    print(json.dumps(answers), flush=True)

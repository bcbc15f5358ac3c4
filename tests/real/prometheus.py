"""A strict reader of Prometheus' text format 0.0.4: what `promtool check metrics` would refuse or complain about."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
SAMPLE = re.compile(r'(%s)(?:\{((?:%s="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)' % (NAME, LABEL))
PAIR = re.compile(r'(%s)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)' % LABEL)
NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "counter": ("",)}


def labels_of(text):
    at, out = 0, {}
    while at < len(text):
        m = PAIR.match(text, at)
        assert m, "labels: " + text
        assert m.group(1) not in out, "label %s twice" % m.group(1)
        out[m.group(1)] = m.group(2)
        at = m.end()
    return out


def histogram_ok(name, samples):
    """Buckets by series: rising bounds, rising counts, +Inf last and equal to _count; one _sum."""
    series = {}
    for sample, labels, value in samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        part = series.setdefault(key, {"buckets": []})
        if sample == name + "_bucket":
            part["buckets"].append((float(labels["le"].replace("+Inf", "inf")), value))
        else:
            assert sample not in part, sample + " twice"
            part[sample] = value
    for key, part in series.items():
        bounds = [b for b, _ in part["buckets"]]
        counts = [c for _, c in part["buckets"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), (name, key, bounds)
        assert counts == sorted(counts) and counts[-1] == part[name + "_count"], (name, key, counts)
        assert part[name + "_sum"] >= 0
        assert part[name + "_count"] > 0 or part[name + "_sum"] == 0


def parse(text):
    """{family: (type, help, [(sample name, labels, value)])}; an AssertionError names the first thing that is wrong."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            m = re.fullmatch(r"# HELP (%s) (\S.*)" % NAME, line)
            assert m and m.group(1) not in families, line
            assert m.group(2)[-1] == "." or m.group(2)[-1].isalnum(), line
            current = m.group(1)
            families[current] = [None, m.group(2), []]
        elif line.startswith("# TYPE "):
            m = re.fullmatch(r"# TYPE (%s) (gauge|counter|histogram)" % NAME, line)
            assert m and m.group(1) == current and families[current][0] is None and not families[current][2], line
            families[current][0] = m.group(2)
        else:
            m = SAMPLE.fullmatch(line)
            assert m and NUMBER.fullmatch(m.group(3)), line
            kind, _, samples = families[current]
            assert kind and m.group(1) in [current + s for s in SUFFIXES[kind]], line
            value, labels = float(m.group(3)), labels_of(m.group(2) or "")
            assert value == value and (kind == "gauge" or value >= 0), line
            assert (m.group(1), labels) not in [s[:2] for s in samples], "twice: " + line
            assert ("le" in labels) == m.group(1).endswith("_bucket"), line
            samples.append((m.group(1), labels, value))
    for name, (kind, _, samples) in families.items():
        assert samples, name + " has no sample"
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(gauge|counter|histogram|ms|us|millis|minutes|hours)(_|$)", name), name
        assert len({tuple(sorted(set(s[1]) - {"le"})) for s in samples}) == 1, name + ": labels differ"
        if kind == "histogram":
            histogram_ok(name, samples)
    return families


def value(families, sample, **labels):
    """The one value of a sample, or None."""
    found = [v for _, _, samples in families.values() for n, l, v in samples if n == sample and l == labels]
    assert len(found) < 2
    return found[0] if found else None

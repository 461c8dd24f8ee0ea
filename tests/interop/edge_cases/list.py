"""Lists the comparisons under tests/fixtures/edge-cases as the tables of docs/dev/compared-with-scikit-learn.md.

    python3 tests/interop/edge_cases/list.py
"""
import collections
import json
import pathlib
import re
import tarfile

import inputs

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "edge-cases"


def read(path):
    with tarfile.open(path) as archive:
        return json.load(archive.extractfile("table.json"))


def tables():
    """The recorded tables by scikit-learn version, the oldest first."""
    made = [read(path) for path in FIXTURES.glob("*.tar.gz")]
    return sorted(made, key=lambda table: [int(part) for part in table["versions"]["scikit-learn"].split(".")])


def class_of(name):
    return name if " then " in name else re.match(r"\w+", name).group()


def counted(table):
    """Each model with its number of answers and its number of exceptions."""
    for model in table["models"]:
        answers = [table["answers"][number] for number in model["answers"]]
        raised = sum(isinstance(answer, str) for answer in answers)
        skipped = sum(answer is None for answer in answers)
        yield model, len(answers) - raised - skipped, raised


def main():
    all_tables = tables()
    print("| scikit-learn | pandas | numpy | Python | models | answers | exceptions |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    total = [0, 0, 0]
    classes = collections.OrderedDict()
    for table in all_tables:
        versions = table["versions"]
        numbers = [0, 0, 0]
        for model, answers, raised in counted(table):
            name = model["name"]
            new = {"names": [], "fitted": [], "versions": [], "numbers": [0, 0, 0]}
            entry = classes.setdefault(class_of(name), new)
            parameters = name[len(class_of(name)):].strip("()") or "one way"
            for key, value in [
                ("names", parameters), ("fitted", model["fitted_on"]), ("versions", versions["scikit-learn"]),
            ]:
                if value not in entry[key]:
                    entry[key].append(value)
            for index, more in enumerate([1, answers, raised]):
                numbers[index] += more
                entry["numbers"][index] += more
        total = [one + more for one, more in zip(total, numbers)]
        cells = [versions[name] for name in ("scikit-learn", "pandas", "numpy", "python")] + ["%d" % n for n in numbers]
        print("| %s |" % " | ".join(cells))
    print("| all | | | | %d | %d | %d |" % tuple(total))
    print()
    print("| transformer | its parameters | fitted on | from | models | answers | exceptions |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, entry in classes.items():
        texts = (name, "; ".join(entry["names"]), ", ".join(entry["fitted"]), entry["versions"][0])
        print("| %s | %s | %s | %s | %d | %d | %d |" % (texts + tuple(entry["numbers"])))
    print()
    print("| column | its three cells in CSV |")
    print("| --- | --- |")
    for name in inputs.COLUMNS:
        print("| %s | %s |" % (name, ", ".join("`%s`" % text if text else "nothing" for text in inputs.texts(name))))


if __name__ == "__main__":
    main()

"""Attacks that try to exhaust the memory or time of a container: one function each, with its allowed answers.

Each attack has its own container and returns the replies. A refusal must arrive within a second. An answer, or a 504,
may take as long as its work, up to the container's --timeout. The numbers of the items group attacks by their kind.
"""
import gzip
import io
import json
import socket
import struct
import tarfile
import threading
import time
import zipfile

import pickles
from container import GOOD, ROOT, Reply

MIB = 1 << 20
# The bytes that loading may lease: the container's --model-memory.
MODELS = 200 * MIB
# The bytes that answering may lease: byoc plans with all of the 512 MiB but 24 MiB and an eighth.
REQUESTS = (512 - 24 - 64) * MIB
REFUSED_LOAD = {500, 507}
REFUSED = {400, 413, 503, 504}
ATTACKS = []


class Attack:
    def __init__(self, item, name, allowed, lease, run, is_command):
        self.item, self.name, self.allowed, self.lease, self.run = item, name, allowed, lease, run
        self.is_command = is_command


def attack(item, allowed, lease=0, is_command=False):
    """`allowed`: statuses, or exit codes of a command. `lease`: bytes allowed in addition to the 64 MiB."""
    def add(run):
        ATTACKS.append(Attack(item, run.__doc__, allowed, lease, run, is_command))
        return run
    return add


def npy(shape, data=b""):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(-(10 + len(header) + 1) % 64 + len(header)) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + data


def loaded(container, artifact, **others):
    """Loads a model that the attack needs. Returns its name."""
    reply = container.load({"model.pkl": artifact, **others})
    if reply.status != 200:
        raise AssertionError(f"the attack's own model was not loaded: {reply.status} {reply.text[:300]}")
    return reply.name


def side_by_side(count, ask):
    """The replies of `ask`, called by `count` threads at once; each call may yield several."""
    replies = []

    def call(number):
        answer = ask(number)
        replies.extend(answer if isinstance(answer, list) else [answer])

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def by_position(container):
    """A model of scikit-learn 0.20 that accepts any number of columns from a minimum on."""
    fixture = ROOT / "tests/fixtures/sklearn/0.20.4/by_position_remainder/model.joblib"
    return loaded(container, fixture.read_bytes())


@attack(1, REFUSED)
def wide_npy(container):
    """npy of shape (0, 10^12) and (0, 10^8) to a model of any width"""
    name = by_position(container)
    return [container.ask(name, npy(shape), "application/x-npy") for shape in ("(0, 1000000000000)", "(0, 100000000)")]


@attack(1, REFUSED | {200}, REQUESTS)
def wide_npy_with_data(container):
    """npy of shape (1, 10^6), complete, to a model of any width"""
    return [container.ask(by_position(container), npy("(1, 1000000)", bytes(8_000_000)), "application/x-npy")]


def named_scaler(container):
    names = pickles.objects([f"c{number}" for number in range(1000)])
    return loaded(container, pickles.dump(pickles.scaler(1000, feature_names_in_=names)))


@attack(2, REFUSED | {200}, REQUESTS)
def objects_by_name(container):
    """JSON lines {"c0":1} of 1 and 3 MiB to 1,000 named columns"""
    name = named_scaler(container)
    line = b'{"c0":1}\n'
    return [container.ask(name, line * (size * MIB // len(line)), "application/jsonlines", "application/x-npy")
            for size in (1, 3)]


@attack(2, REFUSED | {200}, REQUESTS)
def instances_by_name(container):
    """one JSON document of {"c0":1}, 1 and 3 MiB, to 1,000 named columns"""
    name = named_scaler(container)
    one = b'{"c0":1}'
    return [container.ask(name, b'{"instances":[' + b",".join([one] * (size * MIB // 9)) + b"]}", "application/json",
                          "application/x-npy") for size in (1, 3)]


def shared(name, make, allowed=frozenset({200})):
    def run(container):
        return [container.load({"model.pkl": pickles.dump(make())})]
    run.__doc__ = f"shared by reference: {name}"
    attack(3, REFUSED_LOAD | allowed, MODELS)(run)


TEXT = "x" * 200_000
shared("2,000 columns of one array of 20,000 categories, OneHotEncoder",
       lambda: pickles.one_hot([pickles.integers(range(20_000))] * 2_000))
shared("the same, OrdinalEncoder", lambda: pickles.ordinal([pickles.integers(range(20_000))] * 2_000))
shared("200 columns of one array of 20,000 texts, OneHotEncoder",
       lambda: pickles.one_hot([pickles.objects([f"category {n}" for n in range(20_000)])] * 200))
shared("one text of 200 KB 20,000 times, OneHotEncoder", lambda: pickles.one_hot([pickles.objects([TEXT] * 20_000)]))
shared("one text of 200 KB 10,000 times, SimpleImputer", lambda: pickles.imputer(pickles.objects([TEXT] * 10_000)))
shared("one text of 200 KB 10,000 times, classes_", lambda: pickles.logistic(pickles.objects([TEXT] * 10_000)))
shared("10,000 columns of one array of 20,000 edges, KBinsDiscretizer",
       lambda: pickles.bins([pickles.Array(pickles.DOUBLE, (20_000,),
                                           struct.pack("<20000d", *range(20_000)))] * 10_000))


@attack(4, REFUSED_LOAD, MODELS)
def compressed_pickle(container):
    """a pickle that zlib unpacks to 640 MiB"""
    return [container.load({"model.joblib": pickles.compressed_scaler(80 * MIB)})]


def params_with_unused(params, size):
    """MXNet's list of named arrays (magic 0x112; ndarray.cc of version 1) with float32 zeros put in front."""
    magic, reserved, count = struct.unpack_from("<QQQ", params)
    at = 24
    for _ in range(count):
        at = end_of_array(params, at)
    (names,) = struct.unpack_from("<Q", params, at)
    name = b"arg:unused"
    front = struct.pack("<QQQ", magic, reserved, count + 1)
    front += struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, size // 4, 1, 0, 0)
    back = params[24:at] + struct.pack("<QQ", names + 1, len(name)) + name + params[at + 8:]
    return front, back


def end_of_array(params, at):
    (kind,) = struct.unpack_from("<I", params, at)
    if kind == 0xF993FAC9:
        (stype, dimensions) = struct.unpack_from("<iI", params, at + 4)
        assert stype == 0, "a dense array"
        shape = struct.unpack_from(f"<{dimensions}q", params, at + 12)
        at += 12 + 8 * dimensions
    else:
        # The first format: the number of dimensions, or a magic number before it, of 32 bits each.
        if kind == 0xF993FAC8:
            (dimensions,) = struct.unpack_from("<I", params, at + 4)
            shape = struct.unpack_from(f"<{dimensions}q", params, at + 8)
            at += 8 + 8 * dimensions
        else:
            shape = struct.unpack_from(f"<{kind}I", params, at + 4)
            at += 4 + 4 * kind
    (code,) = struct.unpack_from("<i", params, at + 8)
    count = 1
    for length in shape:
        count *= length
    return at + 12 + count * {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8}[code]


@attack(4, REFUSED_LOAD | {200}, MODELS)
def unused_array(container):
    """a zip with an array of 640 MiB that the model does not use"""
    with tarfile.open(ROOT / "tests/fixtures/linear-learner/regressor_housing/model.tar.gz") as tar:
        (member,) = [member for member in tar if member.name.endswith("model_algo-1")]
        honest = zipfile.ZipFile(io.BytesIO(tar.extractfile(member).read()))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for info in honest.infolist():
            content = honest.read(info)
            with packed.open(info.filename, "w") as out:
                if not info.filename.endswith(".params"):
                    out.write(content)
                    continue
                size = 640 * MIB
                front, back = params_with_unused(content, size)
                out.write(front)
                block = bytes(4 * MIB)
                for _ in range(size // len(block)):
                    out.write(block)
                out.write(back)
    return [container.load({"model_algo-1": made.getvalue()})]


@attack(4, REFUSED_LOAD | {200}, MODELS)
def large_columns(container):
    """a columns.json of 100 MB, of names and of blanks"""
    names = b'{"columns": [' + b'"a",' * (25 * MIB) + b'"b"]}'
    blanks = b'{"columns": null' + b" " * (100 * MIB) + b"}"
    return [container.load({"model.joblib": GOOD, "columns.json": text}) for text in (names, blanks)]


@attack(4, REFUSED_LOAD, MODELS)
def large_document(container):
    """a preprocessor.json of 100 MB of brackets and of numbers"""
    return [container.load({"preprocessor.json": text})
            for text in (b"[" * (100 * MIB), b"[" + b"0," * (50 * MIB) + b"0]")]


@attack(4, REFUSED_LOAD, MODELS)
def long_texts(container):
    """documents of one text: a key of 55 MiB, and a string of 110 MiB"""
    key, text = b'{"' + b"x" * (55 * MIB) + b'": 1}', b'"' + b"x" * (110 * MIB) + b'"'
    replies = [container.load({"preprocessor.json": document}) for document in (key, text)]
    return replies + [container.load({"model.joblib": GOOD, "columns.json": document}) for document in (key, text)]


@attack(4, REFUSED_LOAD, MODELS)
def long_name(container):
    """a column's name of 15 MB, which every message about a row would have"""
    names = pickles.objects(["x" * 15_000_000, "y", "z"])
    return [container.load({"model.pkl": pickles.dump(pickles.scaler(3, feature_names_in_=names))})]


@attack(4, {65, 71}, is_command=True)
def inspect_long_text(folder):
    """inspect: a preprocessor.json that is one string of 40 MiB"""
    (folder / "preprocessor.json").write_bytes(b'"' + b"x" * (40 * MIB) + b'"')
    return ["inspect", folder]


@attack(5, REFUSED_LOAD | {200}, MODELS)
def many_columns(container):
    """a ColumnTransformer over 100,000 named columns, loaded within a second"""
    names = [f"c{number}" for number in range(100_000)]
    one = pickles.column_transformer(names, [("scale", pickles.scaler(100_000), names)])
    many = pickles.column_transformer(names, [(name, "passthrough", [name]) for name in names])
    return [hurried(container.load({"model.pkl": pickles.dump(artifact)})) for artifact in (one, many)]


def hurried(reply):
    """A load that must be answered within a second, with any status."""
    if reply.status == 200 and reply.seconds > 1:
        reply.status = 0
        reply.text = b"200, but after more than a second"
    return reply


@attack(5, REFUSED_LOAD | {200})
def nested_unions(container):
    """FeatureUnions of 2, 30 deep, each of the same one twice"""
    return [hurried(container.load({"model.pkl": pickles.dump(pickles.nested_union(30, 2))}))]


CLAIM = dict(with_mean=False, with_std=False, mean_=None, scale_=None, var_=None)


@attack(6, REFUSED | REFUSED_LOAD | {200})
def claimed_width(container):
    """n_features_in_ of 10^12 and 10^8 without data for it, and a row"""
    replies = []
    for width in (10**12, 10**8):
        reply = hurried(container.load({"model.pkl": pickles.dump(pickles.scaler(width, **CLAIM))}))
        replies.append(reply)
        if reply.status == 200:
            replies.append(container.ask(reply.name, b"1,2\n"))
            replies.append(container.ask(reply.name, npy(f"(0, {width})"), "application/x-npy"))
            replies.append(container.ask(reply.name, b'{"instances": [[1, 2]]}', "application/json"))
    return replies


def inspected(folder, artifact):
    (folder / "model.pkl").write_bytes(artifact)
    return ["inspect", folder / "model.pkl"]


@attack(6, {0, 65, 71}, is_command=True)
def inspect_claimed_width(folder):
    """inspect: n_features_in_ of 10^12 without data for it"""
    return inspected(folder, pickles.dump(pickles.scaler(10**12, **CLAIM)))


@attack(6, {0, 65, 71}, is_command=True)
def inspect_claimed_width_of_memory(folder):
    """inspect: n_features_in_ of 10^8 without data for it"""
    return inspected(folder, pickles.dump(pickles.scaler(10**8, **CLAIM)))


@attack(5, {0, 65, 71}, is_command=True)
def inspect_nested_unions(folder):
    """inspect: FeatureUnions of 2, 30 deep, each of the same one twice"""
    return inspected(folder, pickles.dump(pickles.nested_union(30, 2)))


@attack(5, {0, 65, 71}, is_command=True)
def inspect_many_columns(folder):
    """inspect: a ColumnTransformer over 100,000 named columns"""
    names = [f"c{number}" for number in range(100_000)]
    return inspected(folder,
                     pickles.dump(pickles.column_transformer(names, [("scale", pickles.scaler(100_000), names)])))


@attack(12, {65}, is_command=True)
def implied_folders(folder):
    """inspect: an archive of 48 KB whose names imply 189,000 folders"""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for number in range(3_000):
            entry = tarfile.TarInfo(f"{number}{'/f' * 62}")
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
    return ["inspect", path]


@attack(12, {65}, is_command=True)
def empty_members(folder):
    """inspect: two million empty gzip members"""
    path = folder / "model.tar.gz"
    path.write_bytes(gzip.compress(bytes(1024)) + gzip.compress(b"") * 2_000_000)
    return ["inspect", path]


@attack(7, REFUSED | REFUSED_LOAD | {200}, REQUESTS)
def wide_answers(container):
    """FeatureUnions of 10, 4 and 5 deep: 10^5 columns for each of a row, and bodies of 2 KB"""
    replies = []
    for depth in (4, 5):
        reply = hurried(container.load({"model.pkl": pickles.dump(pickles.nested_union(depth, 10))}))
        replies.append(reply)
        if reply.status == 200:
            row = b",".join([b"1"] * 50) + b"\n"
            replies += [container.ask(reply.name, row * (2000 // len(row)), accept=accept)
                        for accept in ("application/x-npy", "text/csv")]
    return replies


@attack(7, REFUSED | REFUSED_LOAD | {200}, REQUESTS)
def repeated_columns(container):
    """a ColumnTransformer that passes one column on 1,000 × 1,000 times, and a body of 4 KB"""
    artifact = pickles.column_transformer(["a"], [(f"t{n}", "passthrough", ["a"] * 1000) for n in range(1000)])
    reply = hurried(container.load({"model.pkl": pickles.dump(artifact)}))
    if reply.status != 200:
        return [reply]
    return [reply, container.ask(reply.name, b"1\n" * 2000, accept="application/x-npy")]


@attack(8, REFUSED | {200}, REQUESTS)
def large_answers(container):
    """402 KB from each of two clients to a OneHotEncoder of 1,000 categories"""
    name = loaded(container, pickles.dump(pickles.one_hot([pickles.integers(range(1000))])))
    return side_by_side(2, lambda _: container.ask(name, b"55\n" * 134_000, accept="application/x-npy"))


@attack(8, REFUSED | {200}, REQUESTS)
def large_answers_of_many_columns(container):
    """2.6 MB to a OneHotEncoder of 100 columns of 100 categories"""
    categories = pickles.integers(range(100))
    name = loaded(container, pickles.dump(pickles.one_hot([categories] * 100)))
    row = b",".join([b"5"] * 100) + b"\n"
    return [container.ask(name, row * 13_000, accept="text/csv")]


@attack(8, REFUSED | {200}, REQUESTS)
def target_of_many_classes(container):
    """2.6 MB to a TargetEncoder of 100 classes"""
    name = loaded(container, pickles.dump(pickles.target_encoder(10, 100)))
    return [container.ask(name, b"5\n" * 1_300_000, accept="application/x-npy")]


@attack(9, REFUSED | {200})
def object_categories(container):
    """bodies of 16 KiB from four clients to 20,001 categories of which one is None"""
    categories = pickles.objects([*range(20_000), None])
    name = loaded(container, pickles.dump(pickles.ordinal([categories])))
    body = b"text\n" + b"19999\n" * (16_000 // 6)
    until = time.monotonic() + 1.5

    def ask(_):
        replies = []
        while time.monotonic() < until:
            replies.append(container.ask(name, body, accept="text/csv"))
        return replies

    return side_by_side(4, ask)


def begin_request(container, path, length, body, receive_buffer=None, content_type="text/csv"):
    """An unfinished request: its headers and as much of its body as the container accepts within a second."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(1)
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nAccept: text/csv\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()
    try:
        connection.connect(("127.0.0.1", container.port))
        connection.sendall(head + body)
    except OSError:
        pass  # It accepts no more, or has answered already.
    return connection


@attack(10, REFUSED | {408, None}, REQUESTS)
def held_bodies(container):
    """40 connections that have each sent 20 of 25 MiB"""
    return held(container, 40, 20 * MIB)


@attack(10, REFUSED | {408, None}, REQUESTS)
def many_held_bodies(container):
    """1,000 connections that have each sent 1 of 25 MiB"""
    return held(container, 1000, MIB)


def held(container, count, sent):
    """The answers so far to incomplete bodies of 25 MiB over several connections."""
    body = b"1" * sent
    connections = []
    try:
        side_by_side(8, lambda _: connections.extend(
            begin_request(container, "/models/good/invoke", 25 * MIB, body) for _ in range(count // 8)) or [])
        time.sleep(0.5)
        return [first_line(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def first_line(connection):
    """The status of the answer on a connection; None if there is none yet."""
    connection.settimeout(0.01)
    try:
        head = connection.recv(4096)
    except (TimeoutError, BlockingIOError):
        return Reply(None, 0)
    except OSError:
        return Reply(None, 0)
    if not head:
        return Reply(None, 0)
    headers = {"Retry-After": "?"} if b"retry-after:" in head.lower() else {}
    return Reply(int(head.split(b" ", 2)[1]), 0, headers)


@attack(14, REFUSED | {200, None}, REQUESTS)
def unread_answers(container):
    """six clients that ask for 40 MB each and read none of it"""
    name = loaded(container, pickles.dump(pickles.one_hot([pickles.integers(range(100))])))
    body = b"5\n" * 100_000
    connections = [begin_request(container, f"/models/{name}/invoke", len(body), body, 4096) for _ in range(6)]
    time.sleep(3)
    try:
        return [first_line(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


@attack(14, REFUSED | {200, None}, REQUESTS)
def unread_lists(container):
    """600 clients that ask for a list of 100 models with the longest names and read none of it"""
    for number in range(100):
        name = f"{number:03}" + "\\u0001" * 1021
        assert container.load_from(container.models / "good" / "model", name).status == 200
    request = b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n"
    connections = []
    for _ in range(600):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", container.port))
        connection.sendall(request)
        connections.append(connection)
    time.sleep(1)
    try:
        return [first_line(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


@attack(17, {404})
def elsewhere(container):
    """urls outside the models' folder, also by .. and by a link"""
    secret = container.folder / "secret"
    secret.mkdir()
    (secret / "password.txt").write_text("x")
    (container.models / "link").symlink_to(secret)
    replies = []
    # The answer to a url with .. does not reveal whether the path exists.
    upwards = [f"{container.models}/../secret", f"{container.models}/../nothing"]
    for number, url in enumerate(["/etc", secret, secret / "password.txt", container.models / "link", *upwards,
                                  container.models]):
        reply = container.load_from(url, f"outside{number}")
        said = json.loads(reply.text)["message"] if reply.status == 404 else ""
        expected = "Relative path is not allowed in url" if url in upwards else "Model not found in model store"
        if said != f"{expected}: {url}":
            reply.status, reply.text = 0, b"the answer reveals more than that the model was not found: " + reply.text
        replies.append(reply)
    return replies


@attack(18, {200, 503}, REQUESTS)
def overload(container):
    """64 clients that each send bodies of 16 KB one after the other"""
    body = (GOOD_ROWS := b"1993,2728,6,3.0,0.7,1,y,n\n") * (16_000 // len(GOOD_ROWS))
    until = time.monotonic() + 2

    def ask(_):
        connection, replies = container.connection(), []
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                connection.request("POST", "/models/good/invoke", body,
                                   {"Content-Type": "text/csv", "Accept": "text/csv"})
                answer = connection.getresponse()
                answer.read()
                replies.append(Reply(answer.status, time.monotonic() - began, dict(answer.getheaders())))
            except OSError as error:
                replies.append(Reply(0, time.monotonic() - began, text=repr(error).encode()))
                connection.close()
        return replies

    return side_by_side(64, ask)

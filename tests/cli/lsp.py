"""What sinter-lsp-server answers for texts that MLIR's parser must not see, and for one that it may.
usage: lsp.py SINTER-LSP-SERVER"""
import json
import subprocess
import sys


def frame(message):
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def diagnostics(*texts, raw=b""):
    """Those of each text, which are versions of one file."""
    uri = "file:///net.mlir"
    messages = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}]
    for version, text in enumerate(texts):
        if version == 0:
            document = {"uri": uri, "languageId": "mlir", "version": 0, "text": text}
            messages.append({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}})
        else:
            messages.append({"jsonrpc": "2.0", "method": "textDocument/didChange",
                             "params": {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]}})
    messages += [{"jsonrpc": "2.0", "id": 2, "method": "shutdown", "params": None}, {"jsonrpc": "2.0", "method": "exit"}]
    server = subprocess.run([sys.argv[1]], input=b"".join(map(frame, messages[:-2])) + raw + b"".join(map(frame, messages[-2:])),
                            capture_output=True, timeout=60)
    found, rest = [], server.stdout
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.split(b":")[1])
        message, rest = json.loads(rest[:length]), rest[length:]
        if message.get("method") == "textDocument/publishDiagnostics":
            found.append([d["message"] for d in message["params"]["diagnostics"]])
    return server.returncode, found


GOOD = ("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
        "  %y = nn.relu %x : (tensor<2xf32>) -> tensor<2xf32>\n"
        "  return %y : tensor<2xf32>\n}\n")
DEEP = "#a = " + "[" * 100000 + "]" * 100000 + "\n"
status, found = diagnostics(GOOD, DEEP, GOOD)
assert status == 0 and len(found) == 3, (status, found)
assert found[0] == [] and found[2] == [], found
assert "nests brackets" in found[1][0], found
status, found = diagnostics("#a = " + "[" * 100000)
assert status == 0 and "nests brackets" in found[0][0], (status, found)
# A message that nests like this is none of the protocol's: the server ends, it does not crash.
deep = b"[" * 1000000
status, found = diagnostics(GOOD, raw=b"Content-Length: %d\r\n\r\n" % len(deep) + deep)
assert status in (0, 1), status
print("3 texts refused")

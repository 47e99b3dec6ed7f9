"""The exported symbols of the libraries are the functions of sinter.h, each once; the runtime needs no LLVM and no oneDNN.
usage: symbols.py sinter.h libsinter-runtime.so libsinter.so"""
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(library):
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    return sorted(line.split()[2].split("@")[0] for line in lines if line.split()[1] != "A")


def main():
    header, runtime, compiler = sys.argv[1:]
    declared = sorted(re.findall(r"^SINTER_API [^;(]*?(\w+)\(", open(header).read(), re.MULTILINE))
    offered = sorted(exported(runtime) + exported(compiler))
    if declared != offered:
        sys.exit(f"declared, not exported: {set(declared) - set(offered)}; exported, not declared: {set(offered) - set(declared)}"
                 f"; {len(declared)} and {len(offered)}")
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", runtime))
    unwanted = [name for name in needed if not re.match(r"lib(stdc\+\+|m|gcc_s|c|pthread|dl|asan|ubsan|tsan)\.|ld-linux", name)]
    if unwanted:
        sys.exit(f"libsinter-runtime needs {unwanted}")
    print(f"{len(declared)} functions")


main()

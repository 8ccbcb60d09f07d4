#!/usr/bin/env python3
"""Checks that each source folder includes only the folders of its line in the layer table. No exceptions."""
import pathlib
import re
import sys

LAYERS = {
    "base": "",
    "message": "base",
    "net": "base message",
    "reputation": "base",
    "policy": "base reputation",
    "callbacks": "base policy reputation",
    "blockpage": "base message net policy callbacks",
    "dnsfilter": "base message net policy callbacks",
    "proxy": "base message net policy callbacks blockpage",
    "feeds": "base message reputation",
    "console": "base message net policy callbacks reputation blockpage",
    "config": "base net reputation policy callbacks blockpage dnsfilter proxy feeds console",
    "system": "base net proxy config",
    "daemon": "base message net reputation policy callbacks blockpage dnsfilter proxy feeds console config",
    "commands": "base message net reputation policy callbacks dnsfilter proxy feeds config system daemon",
}
# Third-party libraries that only these folders may touch (base: digests only; TLS is net).
OWNED = {
    "event2/": "net",
    "ares.h": "net",
    "openssl/": "base net",
    "lmdb.h": "reputation",
    "curl/": "feeds net",
    "nghttp2/": "net",
    "archive": "feeds",
    "zlib.h": "feeds",
    "libpsl.h": "reputation",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def faults(root):
    for folder, allowed in LAYERS.items():
        may = set(allowed.split()) | {folder}
        for path in sorted((root / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                quote, name = match.groups()
                place = f"{path.relative_to(root)}:{number}"
                if quote == '"' and name.split("/")[0] not in may:
                    yield f"{place}: {folder} may not include {name} (allowed: {' '.join(sorted(may))})"
                for prefix, owner in OWNED.items():
                    if quote == "<" and name.startswith(prefix) and folder not in owner.split():
                        yield f"{place}: only {owner} may include <{name}>"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    missing = [folder for folder in LAYERS if not (root / folder).is_dir()]
    found = [f"no folder {folder}" for folder in missing] + list(faults(root))
    print("\n".join(found) if found else f"{len(LAYERS)} folders keep to their layers")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

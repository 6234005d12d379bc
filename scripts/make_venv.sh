#!/bin/sh
# Makes the virtual environment named by the first argument, with a Python that is new enough.
set -eu
venv=$1
for name in "${PYTHON3:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$name
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "quorum: Python 3.11 or newer is needed and none was found; name one: make run PYTHON3=/path/to/python3" >&2
    exit 1
fi
# Debian ships the part of Python that makes environments as a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$package" >/dev/null
    else
        echo "quorum: this Python cannot make environments; install the package $package first" >&2
        exit 1
    fi
fi
echo "Making $venv with $("$python" --version) …"
"$python" -m venv "$venv"

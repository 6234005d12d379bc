#!/bin/sh
# Sees to it that the browser journeys have a Chromium, or says which ones are left out.
set -eu
found() {
    [ -n "${CHROMIUM:-}" ] && return 0
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}
found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser journeys …"
    export DEBIAN_FRONTEND=noninteractive
    exec </dev/null # whatever a package asks gets its default answer
    apt-get update -qq && apt-get -o Acquire::Retries=3 install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null || true
    found && exit 0
fi
echo "No Chromium was found and it cannot be installed here. Install it, or name one in CHROMIUM."
echo "These browser journeys are left out:"
"$PYTHON" -m pytest -m browser --collect-only -q | grep '::' || true

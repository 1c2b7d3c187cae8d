#!/bin/sh
# Run the runtime on aarch64: on an aarch64 machine as it is, elsewhere under qemu's user emulation.
#
#   benchmarks/arm64.sh [WORK_FOLDER] [CPU ...]
#
# Needs Python 3.10 or later with this package's runtime dependencies and pip; to emulate also a
# Debian (or Ubuntu) with apt-get, dpkg-deb and the Debian archive keyring, and the network.  Nothing
# is installed: packages are unpacked under WORK_FOLDER (default: work/arm64, 400 MB).  CPUs are names
# that qemu knows; the default is a Raspberry Pi 4's, a Pi 5's, and all that qemu can do.
# PYTHON chooses the Python of the machine itself, QEMU a qemu-aarch64 that is there already.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$here/work/arm64}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- cortex-a72 cortex-a76 max
python=${PYTHON:-python3}
mkdir -p "$work"
work=$(cd "$work" && pwd)
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

if [ "$(uname -m)" = aarch64 ]; then
    cd "$here"
    PYTHONPATH=sdk "$python" -m pytest -q -p no:cacheprovider --noconftest tests/golden
    PYTHONPATH=sdk "$python" benchmarks/arm64_check.py "$work/aarch64.npz"
    exit
fi

# An apt of its own for each architecture, so that the system's isn't touched.
apt_in() {  # FOLDER ARCHITECTURE SUITE ARGUMENTS...
    root=$work/$1; architecture=$2; suite=$3; shift 3
    mkdir -p "$root/lists/partial" "$root/archives/partial" "$root/etc/preferences.d"
    : > "$root/status"
    echo "deb [arch=$architecture signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "http://deb.debian.org/debian $suite main" > "$root/sources.list"
    cat > "$root/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache::archives "$root/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "$root/etc/preferences.d";
CONF
    apt-get -c "$root/apt.conf" -qq update
    apt-get -c "$root/apt.conf" -qq -y --no-install-recommends --download-only "$@" > "$root/log" 2>&1
}

qemu=${QEMU:-$work/qemu/usr/bin/qemu-aarch64}
if [ ! -x "$qemu" ]; then
    # qemu 7.2 (Debian 12) crashes in the import of ONNX Runtime 1.32; 10.0 (Debian 13) doesn't.
    apt_in apt-host "$(dpkg --print-architecture)" trixie install qemu-user
    dpkg-deb -x "$work"/apt-host/archives/qemu-user_*.deb "$work/qemu"
fi
if [ ! -d "$work/root/site" ]; then
    apt_in apt-arm64 arm64 bookworm install python3.11 libstdc++6
    mkdir -p "$work/root"
    for package in "$work"/apt-arm64/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
    "$python" -m pip download -q --dest "$work/wheels" --only-binary=:all: --implementation cp \
        --python-version 311 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
        numpy onnxruntime soundfile cffi cryptography pytest
    for wheel in "$work"/wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$work/root/site.part"
    done
    mv "$work/root/site.part" "$work/root/site"
fi

cd "$here"
PYTHONPATH=sdk "$python" benchmarks/arm64_check.py "$work/own.npz"
for cpu in "$@"; do
    echo "== aarch64, emulated: $cpu"
    emulated="$qemu -cpu $cpu -L $work/root -E PYTHONHOME=$work/root/usr
        -E PYTHONPATH=$work/root/site:$here/sdk $work/root/usr/bin/python3.11"
    $emulated -m pytest -q -p no:cacheprovider --noconftest tests/golden
    $emulated benchmarks/arm64_check.py "$work/$cpu.npz" "$work/own.npz"
done

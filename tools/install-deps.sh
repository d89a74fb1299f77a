#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs what building needs, and with --checks what the checks need too, if it is missing.
# On Debian 12 as root apt does it; elsewhere this says what to install. Runs on a bare system:
# nothing but bash, coreutils, grep, sed and apt is assumed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_packages=(
  cmake ninja-build ccache pkg-config git ca-certificates
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  libpcre2-dev libutf8proc-dev nlohmann-json3-dev libcli11-dev libxxhash-dev
  # What fat binaries are compressed by.
  liblz4-dev libzstd-dev
  # What LLVM's own CMake package looks for.
  zlib1g-dev libedit-dev libxml2-dev libffi-dev libcurl4-openssl-dev
)
check_packages=(
  libclang-rt-22-dev clang-format-22 clang-tidy-22 libgtest-dev python3 python3-venv
)

want=("${build_packages[@]}")
checks=no
if [[ "${1:-}" == --checks ]]; then
  checks=yes
  want+=("${check_packages[@]}")
fi

say() { echo "install-deps: $*" >&2; }

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

has_candidate() {
  apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# LLVM 22 is in bookworm's security suite, which a bare system does not list: it lies beside the main
# archive of the same mirror.
add_security_suite() {
  local main
  main=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    sed 's|/\{0,1\} *$||' | head -n 1) || true
  if [[ -z "$main" ]]; then
    say "no Debian mirror in /etc/apt: add the suite bookworm-security by hand"
    exit 1
  fi
  say "adding the suite bookworm-security"
  echo "deb $main-security bookworm-security main" >/etc/apt/sources.list.d/bookworm-security.list
  apt-get update -q
}

install_with_apt() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  has_candidate llvm-22-dev || add_security_suite
  say "installing: $*"
  apt-get install -q -y --no-install-recommends "$@"
}

ensure_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    local tool
    for tool in cmake ninja clang++-22 ld.lld-22; do
      command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if ((${#missing[@]})); then
      say "not a Debian system; missing: ${missing[*]}. The Debian 12 packages are: ${want[*]}"
      exit 1
    fi
    return
  fi
  for package in "${want[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if [[ $EUID -ne 0 ]] || ! grep -qs 'VERSION_CODENAME=bookworm' /etc/os-release; then
    say "please install (as root, on Debian 12): apt-get install ${missing[*]}"
    exit 1
  fi
  install_with_apt "${missing[@]}"
}

# The Python packages of the tests, in a virtual environment of the checkout. The tests that need them
# are skipped when they cannot be had, so this never fails.
ensure_venv() {
  local stamp=.venv/installed-requirements.txt
  cmp -s test/requirements.txt "$stamp" && return 0
  if { [[ -x .venv/bin/pip ]] || python3 -m venv .venv; } &&
    .venv/bin/pip install -q --no-deps -r test/requirements.txt; then
    cp test/requirements.txt "$stamp"
  else
    say "pip could not install test/requirements.txt: the tests that need it will be skipped"
  fi
}

ensure_packages
if [[ $checks == yes ]]; then
  ensure_venv
fi

#!/bin/sh
# Installs what the lab runs on, and further packages that are named as
# arguments, on Debian and Ubuntu. It says what is missing and why, and does
# nothing where nothing is.
set -eu
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# What is looked for, its package, why. Needs() in programs.go lists the same.
needs='
nginx nginx the instances
ngx_stream_module.so libnginx-mod-stream the pass-through load balancer
haproxy haproxy the load balancers that end TLS
softhsm2-util softhsm2 the software HSM
libsofthsm2.so softhsm2 the software HSM
pkcs11-tool opensc makes keys inside the HSM
pkcs11.so libengine-pkcs11-openssl lets nginx use keys of the HSM
p11-kit p11-kit the enclave'\''s end of PKCS#11 remoting
p11-kit-client.so p11-kit-modules nginx'\'' end of PKCS#11 remoting
'

say() { echo "install: $*" >&2; }

any() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }

present() {
	case $1 in
	ngx_stream_module.so) any /usr/lib*/nginx/modules/"$1" /usr/share/nginx/modules/"$1" ;;
	libsofthsm2.so) any /usr/lib*/softhsm/"$1" /usr/lib/*/softhsm/"$1" /usr/lib64/pkcs11/"$1" ;;
	pkcs11.so) any /usr/lib/*/engines-3/"$1" /usr/lib64/engines-3/"$1" ;;
	p11-kit-client.so) any /usr/lib/*/pkcs11/"$1" /usr/lib*/pkcs11/"$1" ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

packages=
want() { # package, why
	case " $packages " in *" $1 "*) return 0 ;; esac
	packages="$packages $1"
	say "missing: $1 ($2)"
}

while read -r what package why; do
	[ -z "$what" ] || present "$what" || want "$package" "$why"
done <<EOF
$needs
EOF
for package in "$@"; do
	installed "$package" || want "$package" "asked for"
done
[ -n "$packages" ] || exit 0

command="apt-get install --no-install-recommends$packages"
if ! command -v apt-get >/dev/null 2>&1; then
	say "there is no apt-get here; install with your system's own means:$packages"
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		say "not root, and no sudo here; run as root: $command"
		exit 1
	fi
	if sudo -n true 2>/dev/null || [ -t 0 ]; then
		say "running as root, by sudo: $command"
		exec sudo sh "$0" "$@"
	fi
	say "sudo needs a password, and there is no terminal to ask on; run: sudo $command"
	exit 1
fi

# Debian starts the services that it installs. The lab starts its own, so none
# is started now, and none that is new will start with the machine; one that
# was here before is left as it is.
policy=/usr/sbin/policy-rc.d
tidy=
cleanup() { [ -z "$tidy" ] || rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ ! -e "$policy" ]; then
	tidy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
new=
for service in nginx haproxy exim4 dovecot slapd postgresql mariadb danted tinyproxy; do
	[ -e "/lib/systemd/system/$service.service" ] || [ -e "/etc/init.d/$service" ] || new="$new $service"
done

say "$command"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || say "apt-get update failed; trying with the package lists that are here"
# shellcheck disable=SC2086 # a list of words
if ! told=$(apt-get install -y -qq --no-install-recommends $packages 2>&1 </dev/null); then
	printf '%s\n' "$told" >&2
	say "that failed; mend the cause above and run: $command"
	exit 1
fi
while read -r what package why; do
	[ -z "$what" ] || present "$what" || { say "$package is installed, but $what is still not found"; exit 1; }
done <<EOF
$needs
EOF
for service in $new; do
	if [ -d /run/systemd/system ] && [ -e "/lib/systemd/system/$service.service" ]; then
		systemctl disable --quiet "$service.service" && say "$service is installed but not enabled as a service"
	fi
done

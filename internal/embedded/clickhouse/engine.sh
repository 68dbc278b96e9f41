#!/bin/sh
# Fetches ClickHouse's engine into the cache of downloads: engine.sh SOURCE CACHE. Called by `make engine`.
# The new copy appears under its name only once it is complete, so that an interrupted run leaves nothing half done.
set -eu
source=$1 cache=$2

if [ -n "${QUARTERHOUR_CHDB:-}" ]; then
	echo "ClickHouse's engine: QUARTERHOUR_CHDB names $QUARTERHOUR_CHDB, nothing to fetch"
	exit 0
fi
case "$(uname -s)/$(uname -m)" in
Linux/x86_64) package=@chdb/lib-linux-x64-gnu ;;
*)
	echo "ClickHouse's engine is not published for $(uname -s)/$(uname -m): use a ClickHouse server instead" >&2
	exit 1
	;;
esac

version=$(sed -n "s|.*\"$package\": \"\([^\"]*\)\".*|\1|p" "$source/package.json")
home=$cache/chdb-$version
library=$home/node_modules/$package/libchdb.so
# The size was written down when the copy was complete; another size means that the copy was damaged since.
if [ -f "$library" ] && [ "$(wc -c <"$library")" = "$(cat "$home/size" 2>/dev/null)" ]; then
	exit 0
fi
if ! command -v npm >/dev/null; then
	echo "ClickHouse's engine comes through npm: install Node.js (which brings npm), then run make engine again" >&2
	exit 1
fi

mkdir -p "$cache"
staging=$(mktemp -d "$cache/chdb-$version.XXXXXX")
npm=
trap '[ -z "$npm" ] || kill "$npm" 2>/dev/null || true; rm -rf "$staging"' EXIT
trap 'exit 130' INT TERM
cp "$source/package.json" "$source/package-lock.json" "$staging/"
# npm's own cache would keep a second copy, and outside ours.
(cd "$staging" && exec npm ci --cache "$staging/npm" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error) >"$staging/log" 2>&1 &
npm=$!

every=1 line='\r' end='\n'
[ -t 1 ] || every=10 line='' end=
echo "ClickHouse's engine $version: downloading 167 MB to $cache"
seconds=0
while kill -0 "$npm" 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	[ $((seconds % every)) = 0 ] || continue
	got=$(du -sm "$staging/node_modules" 2>/dev/null | cut -f1)
	printf "$line  unpacked %4s of about 534 MiB, %d s" "${got:-0}" "$seconds"
	[ -n "$end" ] || echo
done
printf "$end"
if ! wait "$npm"; then
	npm=
	cat "$staging/log" >&2
	echo "ClickHouse's engine could not be fetched: see npm's messages above; make engine starts again" >&2
	exit 1
fi
npm=
rm -rf "$staging/npm" "$staging/log"
wc -c <"$staging/node_modules/$package/libchdb.so" >"$staging/size"
chmod 755 "$staging"
rm -rf "$home"
mv -T "$staging" "$home"
echo "ClickHouse's engine $version: ready, $(du -sm "$home" | cut -f1) MiB in $home"

#!/bin/sh
# curl: a picture, several, the protocol's raw body, JSON, gzip, and what is refused.
set -eu
at=http://$HTTP
ask() { # WHAT EXPECTED ARGUMENTS...
	what=$1 expected=$2
	shift 2
	answer=$(curl -sS "$@")
	case $answer in
	*"$expected"*) echo "  $what: held" ;;
	*)
		echo "$what: expected $expected, found $answer" >&2
		exit 1
		;;
	esac
}
ask live '{"live":true}' "$at/v2/health/live"
ask ready '{"ready":true}' "$at/v2/health/ready"
ask "a picture" '"predictions"' --data-binary "@$PHOTO" "$at/classify?top=3"
ask "a form" '"predictions"' -F "a=@$PHOTO" -F "b=@$PHOTO" "$at/models/$MODEL/classify"
ask "a raw body" '"probabilities"' -H 'Inference-Header-Content-Length: 0' --data-binary "@$PHOTO" "$at/v2/models/$MODEL/infer"
printf '{"id":"9","inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["%s"]}],"outputs":[{"name":"probabilities","parameters":{"classification":2}}]}' \
	"$(base64 <"$PHOTO" | tr -d '\n')" >"$TMP/request.json"
ask "JSON" '"id":"9"' -d "@$TMP/request.json" "$at/v2/models/$MODEL/infer"
gzip -kf "$TMP/request.json"
ask "gzip" '"id":"9"' --compressed -H 'Content-Encoding: gzip' --data-binary "@$TMP/request.json.gz" "$at/v2/models/$MODEL/infer"
ask "KServe v1" '"predictions"' -d "{\"instances\":[{\"b64\":\"$(base64 <"$PHOTO" | tr -d '\n')\"}]}" "$at/v1/models/$MODEL:predict"
ask "statistics" '"model_stats"' "$at/v2/models/stats"
ask "the index" '"READY"' -X POST "$at/v2/repository/index"
ask "metrics" 'nv_inference_request_success' "$at/metrics"
ask "shared memory" 'shared memory is not supported' -X POST "$at/v2/systemsharedmemory/region/r/register"
ask "no picture" '"error"' -d nothing "$at/classify"
echo "curl: all held"

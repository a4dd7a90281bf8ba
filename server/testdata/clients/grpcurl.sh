#!/bin/sh
# grpcurl: services by reflection, health, and the protocol's calls in JSON.
set -eu
ask() { # WHAT EXPECTED ARGUMENTS...
	what=$1 expected=$2
	shift 2
	answer=$($GRPCURL -plaintext "$@" 2>&1) || :
	case $answer in
	*"$expected"*) echo "  $what: held" ;;
	*)
		echo "$what: expected $expected, found $answer" >&2
		exit 1
		;;
	esac
}
ask "list" 'inference.GRPCInferenceService' "$GRPC" list
ask "describe" 'rpc ModelStreamInfer' "$GRPC" describe inference.GRPCInferenceService
ask "health" 'SERVING' "$GRPC" grpc.health.v1.Health/Check
ask "health of the model" 'SERVING' -d "{\"service\":\"$MODEL\"}" "$GRPC" grpc.health.v1.Health/Check
ask "metadata" 'probabilities' -d "{\"name\":\"$MODEL\"}" "$GRPC" inference.GRPCInferenceService/ModelMetadata
ask "configuration" 'FORMAT_NHWC' -d "{\"name\":\"$MODEL\"}" "$GRPC" inference.GRPCInferenceService/ModelConfig
printf '{"model_name":"%s","inputs":[{"name":"images","datatype":"BYTES","shape":[1],"contents":{"bytes_contents":["%s"]}}],"outputs":[{"name":"probabilities"}],"parameters":{"binary_data_output":{"bool_param":false}}}' \
	"$MODEL" "$(base64 <"$PHOTO" | tr -d '\n')" >"$TMP/request.json"
infer() { # WHAT EXPECTED CALL
	$GRPCURL -plaintext -d @ "$GRPC" "inference.GRPCInferenceService/$3" <"$TMP/request.json" >"$TMP/answer.json"
	grep -q "$2" "$TMP/answer.json" || {
		cat "$TMP/answer.json" >&2
		exit 1
	}
	echo "  $1: held"
}
infer "a picture" fp32Contents ModelInfer
infer "a stream" inferResponse ModelStreamInfer
ask "statistics" 'inferenceCount' "$GRPC" inference.GRPCInferenceService/ModelStatistics
ask "the index" 'READY' "$GRPC" inference.GRPCInferenceService/RepositoryIndex
ask "shared memory" 'Code: Unimplemented' "$GRPC" inference.GRPCInferenceService/SystemSharedMemoryStatus
ask "another model" 'Code: NotFound' -d '{"name":"nothing"}' "$GRPC" inference.GRPCInferenceService/ModelMetadata
echo "grpcurl: all held"

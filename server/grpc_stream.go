package server

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// finalResponse is the parameter that tells clients which ask for it that a request of a
// stream has no further answers.
const finalResponse, askFinalResponse = "triton_final_response", "triton_enable_empty_final_response"

// ModelStreamInfer answers requests in their order, several at a time, so that those of one
// client become batches. When the server stops it answers those that are there.
func (v *service) ModelStreamInfer(stream inference.GRPCInferenceService_ModelStreamInferServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	type answer chan *inference.ModelStreamInferResponse
	answers := make(chan answer, max(predict.DefaultBatch, runtime.GOMAXPROCS(0))) // at a time
	received := make(chan error, 1)
	go func() {
		requests := make(chan *inference.ModelInferRequest)
		ended := make(chan error, 1)
		go func() {
			for {
				in, err := stream.Recv()
				if err != nil {
					ended <- err
					return
				}
				select {
				case requests <- in:
				case <-ctx.Done():
					ended <- ctx.Err()
					return
				}
			}
		}()
		defer close(answers)
		for {
			select {
			case in := <-requests:
				a := make(answer, 1)
				select {
				case answers <- a:
				case <-ctx.Done():
					received <- ctx.Err()
					return
				}
				go func() { a <- v.answer(ctx, in) }()
			case err := <-ended:
				received <- err
				return
			case <-v.stopping:
				received <- predict.ErrDraining
				return
			}
		}
	}()
	for a := range answers {
		if err := stream.Send(<-a); err != nil {
			return err
		}
	}
	if err := <-received; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// answer is one of a stream: an error is its own, and does not end the stream.
func (v *service) answer(ctx context.Context, in *inference.ModelInferRequest) (out *inference.ModelStreamInferResponse) {
	fail := func(err error) *inference.ModelStreamInferResponse {
		return &inference.ModelStreamInferResponse{
			ErrorMessage:  v.server.explain(ctx, err),
			InferResponse: &inference.ModelInferResponse{ModelName: in.ModelName, ModelVersion: in.ModelVersion, Id: in.Id},
		}
	}
	defer func() {
		if r := recover(); r != nil {
			out = fail(caught(r))
		}
	}()
	release, err := v.server.hold(in)
	if err != nil {
		return fail(err)
	}
	defer release()
	response, err := v.ModelInfer(ctx, in)
	if err != nil {
		out = fail(err)
	} else {
		out = &inference.ModelStreamInferResponse{InferResponse: response}
	}
	if in.Parameters[askFinalResponse].GetBoolParam() {
		if out.InferResponse.Parameters == nil {
			out.InferResponse.Parameters = map[string]*inference.InferParameter{}
		}
		out.InferResponse.Parameters[finalResponse] = &inference.InferParameter{ParameterChoice: &inference.InferParameter_BoolParam{BoolParam: true}}
	}
	return out
}

package server

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// service answers the calls of the protocol: all of them, or it does not compile.
type service struct {
	inference.UnsafeGRPCInferenceServiceServer

	server   *Server
	stopping <-chan struct{}
}

var _ inference.GRPCInferenceServiceServer = (*service)(nil)

func (v *service) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

func (v *service) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	return &inference.ServerReadyResponse{Ready: v.server.takesAll()}, nil
}

// ModelReady is false of a model that is there and does not serve.
func (v *service) ModelReady(_ context.Context, in *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	_, leave, err := v.find(in.Name, in.Version)
	switch {
	case codeOf(err) == codes.Unavailable && err != nil:
		return &inference.ModelReadyResponse{}, nil
	case err != nil:
		return nil, err
	}
	defer leave()
	return &inference.ModelReadyResponse{Ready: v.server.takes()}, nil
}

func (v *service) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	m := v.server.metadata()
	return &inference.ServerMetadataResponse{Name: m.Name, Version: m.Version, Extensions: m.Extensions}, nil
}

func (v *service) ModelMetadata(_ context.Context, in *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	m, leave, err := v.find(in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	defer leave()
	return m.protocol.Metadata().GRPC(), nil
}

func (v *service) ModelConfig(_ context.Context, in *inference.ModelConfigRequest) (*inference.ModelConfigResponse, error) {
	m, leave, err := v.find(in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	defer leave()
	return &inference.ModelConfigResponse{Config: m.config()}, nil
}

func (v *service) ModelStatistics(_ context.Context, in *inference.ModelStatisticsRequest) (*inference.ModelStatisticsResponse, error) {
	return v.server.statistics(in.Name, in.Version)
}

// find returns a model by its name, which has to be there.
func (v *service) find(name, version string) (*Model, func(), error) {
	if name == "" {
		return nil, nil, badRequest("name: expected the name of a model, found nothing")
	}
	return v.server.models.Find(name, version)
}

// ModelInfer answers a request as infer does over HTTP.
func (v *service) ModelInfer(ctx context.Context, in *inference.ModelInferRequest) (out *inference.ModelInferResponse, err error) {
	if in.ModelName == "" {
		return nil, badRequest("model_name: expected the name of a model, found nothing")
	}
	m, leave, err := v.server.models.Find(in.ModelName, in.ModelVersion)
	if err != nil {
		return nil, err
	}
	err = v.server.use(m, leave, func() error {
		request, err := m.protocol.ParseGRPC(in)
		if err != nil {
			return err
		}
		response, err := m.infer(ctx, request)
		if err == nil {
			out = response.GRPC()
		}
		return err
	})
	return out, err
}

func (v *service) RepositoryIndex(_ context.Context, in *inference.RepositoryIndexRequest) (*inference.RepositoryIndexResponse, error) {
	out := &inference.RepositoryIndexResponse{}
	for _, m := range v.server.modelIndex(in.Ready) {
		out.Models = append(out.Models, &inference.RepositoryIndexResponse_ModelIndex{Name: m.Name, Version: m.Version, State: string(m.State), Reason: m.Reason})
	}
	return out, nil
}

func (v *service) RepositoryModelLoad(ctx context.Context, in *inference.RepositoryModelLoadRequest) (*inference.RepositoryModelLoadResponse, error) {
	name, err := nameOf(in.RepositoryName, in.ModelName)
	if err != nil {
		return nil, err
	}
	for parameter := range in.Parameters {
		return nil, badLoadParameter(parameter)
	}
	if err := v.server.loadModel(ctx, name); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelLoadResponse{ModelName: name, IsLoaded: true}, nil
}

func (v *service) RepositoryModelUnload(ctx context.Context, in *inference.RepositoryModelUnloadRequest) (*inference.RepositoryModelUnloadResponse, error) {
	name, err := nameOf(in.RepositoryName, in.ModelName)
	if err != nil {
		return nil, err
	}
	if err := v.server.unloadModel(ctx, name); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelUnloadResponse{ModelName: name, IsUnloaded: true}, nil
}

func (v *service) SystemSharedMemoryStatus(context.Context, *inference.SystemSharedMemoryStatusRequest) (*inference.SystemSharedMemoryStatusResponse, error) {
	return nil, errSharedMemory
}

func (v *service) SystemSharedMemoryRegister(context.Context, *inference.SystemSharedMemoryRegisterRequest) (*inference.SystemSharedMemoryRegisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) SystemSharedMemoryUnregister(context.Context, *inference.SystemSharedMemoryUnregisterRequest) (*inference.SystemSharedMemoryUnregisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryStatus(context.Context, *inference.CudaSharedMemoryStatusRequest) (*inference.CudaSharedMemoryStatusResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryRegister(context.Context, *inference.CudaSharedMemoryRegisterRequest) (*inference.CudaSharedMemoryRegisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryUnregister(context.Context, *inference.CudaSharedMemoryUnregisterRequest) (*inference.CudaSharedMemoryUnregisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) TraceSetting(context.Context, *inference.TraceSettingRequest) (*inference.TraceSettingResponse, error) {
	return nil, errSettings
}

func (v *service) LogSettings(context.Context, *inference.LogSettingsRequest) (*inference.LogSettingsResponse, error) {
	return nil, errSettings
}

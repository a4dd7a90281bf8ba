// Package client asks a server of the Open Inference Protocol, over gRPC, to classify pictures:
//
//	c, err := client.New("localhost:8001", client.Options{})
//	...
//	pictures, err := c.Classify(ctx, "v4", 5, photo)
//
// What is not here, such as statistics and streams, is in package inference, by RPC.
package client

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// Options say how a server is reached. The zero value has the defaults.
type Options struct {
	// Key is sent with every call, where the server asks for one.
	Key string
	// TLS, where it is not nil, encrypts the connection, and may hold the client's certificate.
	TLS *tls.Config
}

// maxAnswer is the largest answer that is taken: gRPC's default is 4 MiB.
const maxAnswer = 64 << 20

// A Client asks one server. Several goroutines may use it.
type Client struct {
	connection *grpc.ClientConn
	rpc        inference.GRPCInferenceServiceClient
	key        string

	mu     sync.Mutex
	models map[loaded]about
}

// loaded is a model as an answer tells of it. The fingerprint, which is empty of servers that
// do not tell, is another when the classes are others.
type loaded struct{ name, version, fingerprint string }

// A Label names a class.
type Label struct {
	Synset string `json:"synset"`
	Name   string `json:"name"`
}

// A Prediction is one class with its score.
type Prediction struct {
	Index         int
	Label, Synset string // "class N" and nothing where classes have no names
	Logit         float32
	Probability   float64 // in [0,1]
}

// A Picture is what a model says of one. Width and Height are in pixels, as it is seen upright;
// zero from servers that do not tell.
type Picture struct {
	Width, Height int
	Predictions   []Prediction // the most likely first
}

// New returns a client of the server at host:port. It connects when it is first asked.
func New(address string, o Options) (*Client, error) {
	security := insecure.NewCredentials()
	if o.TLS != nil {
		security = credentials.NewTLS(o.TLS)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(security), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)))
	if err != nil {
		return nil, fmt.Errorf("the server %s: %w", address, err)
	}
	return &Client{connection: connection, rpc: inference.NewGRPCInferenceServiceClient(connection), key: o.Key, models: map[loaded]about{}}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.connection.Close() }

// RPC has all calls of the protocol. Context adds the key to theirs.
func (c *Client) RPC() inference.GRPCInferenceServiceClient { return c.rpc }

// Context returns one whose calls bring the key.
func (c *Client) Context(ctx context.Context) context.Context {
	if c.key == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.key)
}

// Classify returns the k most likely classes of pictures, each the file of one, in their
// order. Errors are those of gRPC: package status has their codes.
func (c *Client) Classify(ctx context.Context, model string, k int, pictures ...[]byte) ([]Picture, error) {
	if len(pictures) == 0 {
		return nil, nil
	}
	ctx = c.Context(ctx)
	var elements []byte
	for _, p := range pictures {
		elements = append(binary.LittleEndian.AppendUint32(elements, uint32(len(p))), p...)
	}
	request := &inference.ModelInferRequest{
		ModelName:        model,
		Inputs:           []*inference.ModelInferRequest_InferInputTensor{{Name: "images", Datatype: "BYTES", Shape: []int64{int64(len(pictures))}}},
		Outputs:          []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits"}, {Name: "probabilities"}},
		RawInputContents: [][]byte{elements},
	}
	answer, known, err := c.infer(ctx, request)
	if err != nil {
		return nil, err
	}
	if len(answer.RawOutputContents) != 2 || len(answer.RawOutputContents[0]) != len(answer.RawOutputContents[1]) || len(answer.RawOutputContents[0])%(4*len(pictures)) != 0 {
		return nil, fmt.Errorf("the server's answer: expected logits and probabilities of %d pictures, found %d outputs of other sizes", len(pictures), len(answer.RawOutputContents))
	}
	logits, shares := floats(answer.RawOutputContents[0]), floats(answer.RawOutputContents[1])
	classes := len(logits) / len(pictures)
	all := make([]Picture, len(pictures))
	for i := range all {
		all[i].Predictions = top(k, logits[i*classes:][:classes], shares[i*classes:][:classes], known)
		_, _ = fmt.Sscanf(answer.Parameters[fmt.Sprint("size_", i)].GetStringParam(), "%dx%d", &all[i].Width, &all[i].Height)
	}
	return all, nil
}

// top are the k classes of the largest logits, of equal ones the smaller index first.
func top(k int, logits, shares []float32, known about) []Prediction {
	var exact []float64
	if known.softmax {
		exact = score.Softmax(nil, logits)
	}
	order := score.Top(logits, k)
	best := make([]Prediction, len(order))
	for at, i := range order {
		p := Prediction{Index: i, Label: "class " + strconv.Itoa(i), Logit: logits[i], Probability: float64(shares[i])}
		if exact != nil {
			p.Probability = exact[i]
		}
		if i < len(known.labels) {
			p.Label, p.Synset = known.labels[i].Name, known.labels[i].Synset
		}
		best[at] = p
	}
	return best
}

func floats(raw []byte) []float32 {
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

// about is what a model's configuration tells of its classes.
type about struct {
	labels  []Label // none of servers that do not tell
	softmax bool    // what makes probabilities of logits
}

// infer asks for an answer, and once for what is known of the model that gave it. When another
// has taken its place between the two, it asks again.
func (c *Client) infer(ctx context.Context, request *inference.ModelInferRequest) (*inference.ModelInferResponse, about, error) {
	const most = 3
	for range most {
		answer, err := c.rpc.ModelInfer(ctx, request)
		if err != nil {
			return nil, about{}, err
		}
		of := loaded{request.ModelName, answer.ModelVersion, answer.Parameters["fingerprint"].GetStringParam()}
		c.mu.Lock()
		known, ok := c.models[of]
		c.mu.Unlock()
		if ok {
			return answer, known, nil
		}
		known, same, err := c.about(ctx, of)
		switch {
		case status.Code(err) == codes.NotFound || err == nil && !same:
			continue
		case err != nil:
			return nil, about{}, err
		}
		c.mu.Lock()
		c.models[of] = known
		c.mu.Unlock()
		return answer, known, nil
	}
	return nil, about{}, status.Errorf(codes.Unavailable, "the model %s was replaced each of %d times that it was asked; ask again", request.ModelName, most)
}

// about asks what is known of a model, and whether it is still the same.
func (c *Client) about(ctx context.Context, of loaded) (known about, same bool, err error) {
	config, err := c.rpc.ModelConfig(ctx, &inference.ModelConfigRequest{Name: of.name, Version: of.version})
	if err != nil {
		return known, false, err
	}
	parameters := config.GetConfig().GetParameters()
	known.softmax = parameters["scores"].GetStringValue() == "softmax"
	if text := parameters["labels"].GetStringValue(); text != "" {
		if err := json.Unmarshal([]byte(text), &known.labels); err != nil {
			return known, false, fmt.Errorf("the names of the classes of %s: %w", of.name, err)
		}
	}
	return known, of.fingerprint == "" || parameters["fingerprint"].GetStringValue() == of.fingerprint, nil
}

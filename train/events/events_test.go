package events_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
	"github.com/seed-fb2c0fa6/inception/train/events"
)

// eventType is Event of TensorFlow's event.proto and summary.proto, as far as it is
// used, for Google's decoder.
func eventType(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	type fieldType = descriptorpb.FieldDescriptorProto_Type
	field := func(name string, number int32, kind fieldType, of string) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		if of != "" {
			f.TypeName = proto.String(of)
		}
		return f
	}
	const (
		double  = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
		float   = descriptorpb.FieldDescriptorProto_TYPE_FLOAT
		int64s  = descriptorpb.FieldDescriptorProto_TYPE_INT64
		int32s  = descriptorpb.FieldDescriptorProto_TYPE_INT32
		text    = descriptorpb.FieldDescriptorProto_TYPE_STRING
		raw     = descriptorpb.FieldDescriptorProto_TYPE_BYTES
		message = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	)
	values := field("value", 1, message, ".Value")
	values.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	types := func(name string, fields ...*descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{Name: proto.String(name), Field: fields}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("event.proto"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			types("Event", field("wall_time", 1, double, ""), field("step", 2, int64s, ""), field("file_version", 3, text, ""),
				field("summary", 5, message, ".Summary"), field("session_log", 7, message, ".SessionLog")),
			types("SessionLog", field("status", 1, int32s, "")),
			types("Summary", values),
			types("Value", field("tag", 1, text, ""), field("simple_value", 2, float, ""), field("image", 4, message, ".Image")),
			types("Image", field("height", 1, int32s, ""), field("width", 2, int32s, ""), field("colorspace", 3, int32s, ""), field("encoded_image_string", 4, raw, "")),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().ByName("Event")
}

// A node is a decoded message.
type node struct{ protoreflect.Message }

func (n node) get(name string) protoreflect.Value {
	return n.Get(n.Descriptor().Fields().ByName(protoreflect.Name(name)))
}

func (n node) child(name string) node { return node{n.get(name).Message()} }

// read decodes the only event file of a folder, and refuses what is not in the
// definition.
func read(t *testing.T, path string) []node {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, size := bytes.NewReader(data), int64(len(data))
	var all []node
	for at := int64(0); at < size; {
		length, err := tfrecord.Length(r, at, size)
		if err != nil {
			t.Fatal(err)
		}
		record, err := tfrecord.Read(r, at, length)
		if err != nil {
			t.Fatal(err)
		}
		event := dynamicpb.NewMessage(eventType(t))
		if err := proto.Unmarshal(record, event); err != nil {
			t.Fatalf("the event at byte %d: %v", at, err)
		}
		// What has other numbers or types than the definition would be unknown.
		var known func(m protoreflect.Message)
		known = func(m protoreflect.Message) {
			if unknown := m.GetUnknown(); len(unknown) > 0 {
				t.Errorf("the event at byte %d has unknown fields % x in %s", at, []byte(unknown), m.Descriptor().Name())
			}
			m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
				switch {
				case f.IsList():
					for i := range v.List().Len() {
						known(v.List().Get(i).Message())
					}
				case f.Message() != nil:
					known(v.Message())
				}
				return true
			})
		}
		known(event)
		all = append(all, node{event})
		at += tfrecord.HeadSize + length + tfrecord.TailSize
	}
	return all
}

func eventFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestEvents decodes what was written with Google's implementation of protobuf.
func TestEvents(t *testing.T) {
	folder := t.TempDir()
	begin := float64(time.Now().Unix())
	w, err := events.Create(folder, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(7, events.Scalar{Tag: "loss", Value: 2.5}, events.Scalar{Tag: "train/learning rate", Value: 0.045}, events.Scalar{Tag: "nan", Value: math.NaN()}); err != nil {
		t.Fatal(err)
	}
	picture := image.NewNRGBA(image.Rect(3, 4, 8, 6)) // 5 x 2
	picture.Set(4, 5, color.NRGBA{200, 100, 50, 255})
	if err := w.Pictures(1<<40, events.Picture{Tag: "input/0", Image: picture}, events.Picture{Tag: "input/1", Image: picture}); err != nil {
		t.Fatal(err)
	}
	files := eventFiles(t, folder)
	if len(files) != 1 || !regexp.MustCompile(`^events\.out\.tfevents\.\d{10}\..+`).MatchString(filepath.Base(files[0])) {
		t.Fatalf("the files are %q", files)
	}
	all := read(t, files[0]) // the file is whole before it is closed
	if len(all) != 3 {
		t.Fatalf("%d events, want 3", len(all))
	}
	if got := all[0].get("file_version").String(); got != "brain.Event:2" {
		t.Errorf("the file version is %q", got)
	}
	for i, step := range []int64{0, 7, 1 << 40} {
		if got := all[i].get("step").Int(); got != step {
			t.Errorf("event %d is of step %d, want %d", i, got, step)
		}
		if got := all[i].get("wall_time").Float(); got < begin || got > begin+60 {
			t.Errorf("event %d was at %f, want %f", i, got, begin)
		}
	}
	values := all[1].child("summary").get("value").List()
	for i, want := range []events.Scalar{{Tag: "loss", Value: 2.5}, {Tag: "train/learning rate", Value: 0.045}, {Tag: "nan", Value: math.NaN()}} {
		value := node{values.Get(i).Message()}
		got := float32(value.get("simple_value").Float())
		if value.get("tag").String() != want.Tag || got != float32(want.Value) && !math.IsNaN(want.Value) || math.IsNaN(float64(got)) != math.IsNaN(want.Value) {
			t.Errorf("value %d is %q: %g, want %q: %g", i, value.get("tag"), got, want.Tag, want.Value)
		}
	}
	values = all[2].child("summary").get("value").List()
	if values.Len() != 2 {
		t.Fatalf("%d pictures, want 2", values.Len())
	}
	value := node{values.Get(1).Message()}
	shown := value.child("image")
	if tag := value.get("tag").String(); tag != "input/1" || shown.get("width").Int() != 5 || shown.get("height").Int() != 2 || shown.get("colorspace").Int() != 3 {
		t.Errorf("the picture %q is %v x %v", tag, shown.get("width"), shown.get("height"))
	}
	decoded, err := png.Decode(bytes.NewReader(shown.get("encoded_image_string").Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := decoded.At(1, 1).RGBA(); r>>8 != 200 || g>>8 != 100 || b>>8 != 50 {
		t.Errorf("the pixel is %d, %d, %d", r>>8, g>>8, b>>8)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestResumed makes a second file in the folder of a run.
func TestResumed(t *testing.T) {
	folder := t.TempDir()
	for _, first := range []int64{0, 120} {
		w, err := events.Create(folder, first)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files := eventFiles(t, folder)
	if len(files) != 2 {
		t.Fatalf("the files are %q", files)
	}
	if all := read(t, files[0]); len(all) != 1 {
		t.Errorf("the first file has %d events, want 1", len(all))
	}
	all := read(t, files[1])
	if len(all) != 2 || all[1].get("step").Int() != 120 || all[1].child("session_log").get("status").Int() != 1 {
		t.Errorf("the second file should say that the run starts again at step 120, has %d events", len(all))
	}
}

func TestInput(t *testing.T) {
	pixels := []float32{-1, 0, 1, 0.5, -3, 3, 0, 0, 0, -0.5, 0, 0}
	picture, err := events.Input(pixels, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []color.NRGBA{{0, 128, 255, 255}, {191, 0, 255, 255}, {128, 128, 128, 255}, {64, 128, 128, 255}} {
		if got := picture.At(i%2, i/2); got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
	for _, side := range []int{0, -2, 3} {
		if _, err := events.Input(pixels, side); err == nil || !strings.Contains(err.Error(), "12 values") {
			t.Errorf("a side of %d: %v", side, err)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := events.Create(filepath.Join(t.TempDir(), "nowhere"), 0); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a folder that does not exist: %v", err)
	}
	folder := t.TempDir()
	w, err := events.Create(folder, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(1, events.Scalar{}); err == nil || !strings.Contains(err.Error(), "tag") {
		t.Errorf("an empty tag: %v", err)
	}
	if err := w.Pictures(1, events.Picture{Tag: "empty", Image: image.NewNRGBA(image.Rectangle{})}); err == nil || !strings.Contains(err.Error(), `"empty"`) {
		t.Errorf("a picture without pixels: %v", err)
	}
	if all := read(t, eventFiles(t, folder)[0]); len(all) != 1 {
		t.Errorf("%d events were written, want 1", len(all))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(1, events.Scalar{Tag: "loss"}); err == nil {
		t.Error("a closed file should be an error")
	}
}

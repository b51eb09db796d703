package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/containerd/ttrpc"
	_ "github.com/gogo/googleapis/google/rpc"
	"github.com/gogo/protobuf/proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dms-scheduler/clients/go/dmsv1"
	_ "dms-scheduler/clients/go/healthv1"
)

type messageVector struct {
	Name, Message, Text, Hex string
}

type frameVector struct {
	Name, Hex string
}

// The library has its own types for the envelopes, and does not register them.
var envelopes = map[string]reflect.Type{
	"ttrpc.Request":  reflect.TypeOf(&ttrpc.Request{}),
	"ttrpc.Response": reflect.TypeOf(&ttrpc.Response{}),
}

func load(t *testing.T, name string, into interface{}) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("DMS_VECTORS"), name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func newMessage(t *testing.T, name string) proto.Message {
	t.Helper()
	kind, ok := envelopes[name]
	if !ok {
		kind = proto.MessageType(name)
	}
	if kind == nil {
		t.Fatalf("no type is registered for %s", name)
	}
	return reflect.New(kind.Elem()).Interface().(proto.Message)
}

func TestMessagesAreReadAsTheirTextSaysAndWrittenInTheSameBytes(t *testing.T) {
	var vectors []messageVector
	load(t, "messages.json", &vectors)
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, vector := range vectors {
		t.Run(vector.Name, func(t *testing.T) {
			data, err := hex.DecodeString(vector.Hex)
			if err != nil {
				t.Fatal(err)
			}
			read := newMessage(t, vector.Message)
			if err := proto.Unmarshal(data, read); err != nil {
				t.Fatal(err)
			}
			expected := newMessage(t, vector.Message)
			if err := proto.UnmarshalText(vector.Text, expected); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(read, expected) {
				t.Errorf("read %v, not %v", read, expected)
			}
			written, err := proto.Marshal(read)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(written, data) {
				t.Errorf("wrote %x, not %x", written, data)
			}
		})
	}
}

func frame(t *testing.T, name string) []byte {
	t.Helper()
	var vectors []frameVector
	load(t, "frames.json", &vectors)
	for _, vector := range vectors {
		if vector.Name == name {
			data, err := hex.DecodeString(vector.Hex)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	t.Fatalf("no frame is named %q", name)
	return nil
}

func TestTheLibraryWritesAndReadsTheFramesOfTheVectors(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	client := ttrpc.NewClient(theirs)
	defer client.Close()
	submitter := dmsv1.NewSubmitterClient(client)

	// Its stream ids are odd and rise; nothing else tells the second request from the first.
	request, answer := frame(t, "request"), frame(t, "response")
	failure := append([]byte(nil), frame(t, "response of an error")...)
	copy(failure[4:8], []byte{0, 0, 0, 3})
	go func() {
		for _, exchange := range []struct {
			stream byte
			answer []byte
		}{{1, answer}, {3, failure}} {
			expected := append([]byte(nil), request...)
			expected[7] = exchange.stream
			got := make([]byte, len(expected))
			if _, err := io.ReadFull(ours, got); err != nil || !bytes.Equal(got, expected) {
				t.Errorf("the library wrote %x (%v), not %x", got, err, expected)
			}
			if _, err := ours.Write(exchange.answer); err != nil {
				t.Error(err)
			}
		}
	}()

	next, err := submitter.Next(context.Background(), &dmsv1.NextRequest{MaxTasks: 1})
	if err != nil || len(next.Tasks) != 1 {
		t.Fatalf("got %v, %v", next, err)
	}
	_, err = submitter.Next(context.Background(), &dmsv1.NextRequest{MaxTasks: 1})
	read := status.Convert(err)
	if read.Code() != codes.Unavailable || read.Message() != "Redis is down" || len(read.Proto().Details) != 2 {
		t.Fatalf("got %v", err)
	}
}

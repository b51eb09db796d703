// The example submits a task, fetches it under a lease, keeps it and reports how it ended, with nothing but containerd's
// ttrpc library and generated messages.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/containerd/ttrpc"

	"dms-scheduler/clients/go/dmsv1"
)

const (
	wait  = 30 * time.Second
	lease = 30 * time.Second
	// How much longer a call may take than it waits for a task.
	patience = 10 * time.Second
)

func main() {
	address := flag.String("address", "127.0.0.1:8001", "host:port, or unix:///path of a unix socket")
	task := flag.String("task", fmt.Sprintf("go-%d", time.Now().UnixNano()), "id of the task to submit")
	flag.Parse()
	if err := run(os.Stdout, *address, os.Getenv("DMS_SUBMITTER_TOKEN"), *task); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, address, token, id string) error {
	client, err := dial(address)
	if err != nil {
		return err
	}
	defer client.Close()

	// This library has no way to cancel a call at the server: only the deadline, which it sends along, ends one. So every
	// call has a deadline, and what matters is fetched under a lease, which ends by itself.
	ctx, cancel := context.WithTimeout(withToken(context.Background(), token), wait+patience)
	defer cancel()

	tasks := dmsv1.NewTasksClient(client)
	submitter := dmsv1.NewSubmitterClient(client)

	queued, err := tasks.Enqueue(ctx, &dmsv1.EnqueueRequest{
		TaskId: id, Service: "copy", UserId: "ada", Parameters: []byte(`{"from": "/a", "to": "/b"}`),
	})
	if err != nil {
		return fmt.Errorf("Enqueue: %w", err)
	}
	fmt.Fprintln(out, "submitted", queued.TaskId, queued.Status)

	next, err := submitter.Next(ctx, &dmsv1.NextRequest{
		SubmitterId: "go-example",
		WaitMs:      milliseconds(wait),
		LeaseMs:     milliseconds(lease),
		// Who loses the answer asks again with the same id, and gets the same tasks.
		RequestId: fmt.Sprintf("%s-%d", id, time.Now().UnixNano()),
	})
	if err != nil {
		return fmt.Errorf("Next: %w", err)
	}
	for _, leased := range next.Tasks {
		ref := &dmsv1.LeaseRef{TaskId: leased.Task.TaskId, LeaseToken: leased.LeaseToken}
		fmt.Fprintf(out, "fetched %s, attempt %d: %s\n", leased.Task.TaskId, leased.Task.Attempt, leased.Task.Parameters)

		// From here the task is ours for good, however long it takes.
		acked, err := submitter.Ack(ctx, &dmsv1.AckRequest{Leases: []*dmsv1.LeaseRef{ref}})
		if err != nil {
			return fmt.Errorf("Ack: %w", err)
		}
		outcome := acked.Outcomes[0]
		if code := outcome.Status.GetCode(); code != 0 {
			return fmt.Errorf("Ack of %s: code %d, %s", outcome.TaskId, code, outcome.Status.GetMessage())
		}
		if outcome.Canceled {
			fmt.Fprintln(out, "canceled", outcome.TaskId)
			continue
		}

		finished, err := submitter.Finish(ctx, &dmsv1.FinishRequest{
			Lease: ref, Succeeded: true, Result: []byte(`{"bytes": 42}`),
		})
		if err != nil {
			return fmt.Errorf("Finish: %w", err)
		}
		fmt.Fprintf(out, "finished %s %s: %s\n", finished.TaskId, finished.Status, finished.Result)
	}
	return nil
}

func dial(address string) (*ttrpc.Client, error) {
	network := "tcp"
	if strings.HasPrefix(address, "unix://") {
		network, address = "unix", strings.TrimPrefix(address, "unix://")
	}
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return nil, err
	}
	return ttrpc.NewClient(conn), nil
}

func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return ttrpc.WithMetadata(ctx, ttrpc.MD{"x-dms-submitter-token": []string{token}})
}

func milliseconds(duration time.Duration) uint32 { return uint32(duration / time.Millisecond) }

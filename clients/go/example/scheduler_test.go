package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/ttrpc"
	"github.com/gogo/googleapis/google/rpc"
	"github.com/gogo/protobuf/proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dms-scheduler/clients/go/dmsv1"
	"dms-scheduler/clients/go/healthv1"
)

const operatorToken = "operator-secret"

var (
	doorIsOpen    = regexp.MustCompile(`address=\S*?(127\.0\.0\.1:\d+) \[RPCServer\]`)
	webDoorIsOpen = regexp.MustCompile(`address=\S*?(127\.0\.0\.1:\d+) \[dms_scheduler\]`)
)

type scheduler struct{ address, socket string }

// startScheduler runs a real scheduler with a private redis-server until the test ends.
func startScheduler(t *testing.T) scheduler {
	t.Helper()
	folder, err := os.MkdirTemp("", "dms")
	if err != nil {
		t.Fatal(err)
	}
	logPath := filepath.Join(folder, "log")
	log, err := os.Create(logPath)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "rpc.sock")
	command := exec.Command(os.Getenv("DMS_SCHEDULER"), "--data-dir", filepath.Join(folder, "data"), "--http-port", "0",
		"--rpc-port", "0", "--rpc-socket", socket, "--operator-token", operatorToken)
	command.Dir, command.Stdout, command.Stderr = folder, log, log
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "DMS_") && !strings.HasPrefix(entry, "REDIS_") {
			command.Env = append(command.Env, entry)
		}
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("the scheduler: %v", err)
		}
		log.Close()
		os.RemoveAll(folder)
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(logPath)
		match := doorIsOpen.FindSubmatch(text)
		web := webDoorIsOpen.FindSubmatch(text)
		if match != nil && web != nil && isReady(string(web[1])) {
			return scheduler{string(match[1]), socket}
		}
		if time.Now().After(end) {
			t.Fatalf("the scheduler does not open its door:\n%s", text)
		}
	}
}

// isReady tells whether all of a scheduler's connections to Redis, which come about one by one, are there.
func isReady(address string) bool {
	answer, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func connect(t *testing.T, address string) *ttrpc.Client {
	t.Helper()
	client, err := dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func timed(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func submission(id string) *dmsv1.EnqueueRequest {
	return &dmsv1.EnqueueRequest{TaskId: id, Service: "copy", UserId: "ada", Parameters: []byte(`{"n": 1.0}`)}
}

func TestATaskGoesInAndComesOut(t *testing.T) {
	server := startScheduler(t)
	client := connect(t, "unix://"+server.socket)
	tasks, submitter := dmsv1.NewTasksClient(client), dmsv1.NewSubmitterClient(client)
	ctx := timed(t)
	if _, err := tasks.Enqueue(ctx, submission("t")); err != nil {
		t.Fatal(err)
	}
	summary, err := tasks.Get(ctx, &dmsv1.GetTaskRequest{TaskId: "t"})
	if err != nil || summary.QueuePosition == nil || summary.QueuePosition.GlobalPosition != 1 {
		t.Fatalf("got %v, %v", summary, err)
	}
	next, err := submitter.Next(ctx, &dmsv1.NextRequest{})
	if err != nil || len(next.Tasks) != 1 || string(next.Tasks[0].Task.Parameters) != `{"n": 1.0}` {
		t.Fatalf("got %v, %v", next, err)
	}
	health, err := healthv1.NewHealthClient(client).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil || health.Status != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("got %v, %v", health, err)
	}
}

func TestErrorsCarryTheirReason(t *testing.T) {
	server := startScheduler(t)
	tasks := dmsv1.NewTasksClient(connect(t, server.address))
	ctx := timed(t)
	if _, err := tasks.Enqueue(ctx, submission("t")); err != nil {
		t.Fatal(err)
	}
	_, err := tasks.Enqueue(ctx, submission("t"))
	failure := status.Convert(err)
	if failure.Code() != codes.AlreadyExists || len(failure.Proto().Details) == 0 {
		t.Fatalf("got %v", err)
	}
	detail := failure.Proto().Details[0]
	var info rpc.ErrorInfo
	if err := proto.Unmarshal(detail.Value, &info); err != nil {
		t.Fatal(err)
	}
	if info.Reason != "TASK_EXISTS" || info.Domain != "dms" || !strings.HasSuffix(detail.TypeUrl, "/google.rpc.ErrorInfo") {
		t.Fatalf("got %v", info)
	}
}

func TestTokensTravelAsMetadata(t *testing.T) {
	server := startScheduler(t)
	client := connect(t, server.address)
	ctx := timed(t)
	if _, err := dmsv1.NewTasksClient(client).Enqueue(ctx, submission("t")); err != nil {
		t.Fatal(err)
	}
	admin := dmsv1.NewAdminClient(client)
	change := &dmsv1.SetPriorityRequest{TaskId: "t", Priority: dmsv1.Priority_PRIORITY_HIGH}
	if _, err := admin.SetPriority(ctx, change); status.Code(err) != codes.PermissionDenied {
		t.Fatalf("got %v", err)
	}
	ctx = ttrpc.WithMetadata(ctx, ttrpc.MD{"x-dms-operator-token": []string{operatorToken}})
	task, err := admin.SetPriority(ctx, change)
	if err != nil || task.Priority != dmsv1.Priority_PRIORITY_HIGH {
		t.Fatalf("got %v, %v", task, err)
	}
}

func TestManyCallsShareAConnection(t *testing.T) {
	server := startScheduler(t)
	client := connect(t, server.address)
	tasks, submitter := dmsv1.NewTasksClient(client), dmsv1.NewSubmitterClient(client)
	ctx := timed(t)
	const count = 300
	var group sync.WaitGroup
	var lock sync.Mutex
	handedOut := map[string]int{}
	for index := 0; index < count; index++ {
		group.Add(1)
		go func(id string) {
			defer group.Done()
			if _, err := tasks.Enqueue(ctx, submission(id)); err != nil {
				t.Error(err)
			}
			// Whoever asks after having submitted one finds one: there are never more takers than tasks.
			next, err := submitter.Next(ctx, &dmsv1.NextRequest{})
			if err != nil || len(next.Tasks) != 1 {
				t.Errorf("got %v, %v", next, err)
				return
			}
			lock.Lock()
			defer lock.Unlock()
			handedOut[next.Tasks[0].Task.TaskId]++
		}(fmt.Sprintf("t-%d", index))
	}
	group.Wait()
	if len(handedOut) != count {
		t.Fatalf("%d tasks were handed out", len(handedOut))
	}
}

func TestADeadlineIsSentAlong(t *testing.T) {
	server := startScheduler(t)
	client := connect(t, server.address)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	// The library sends what is left of the deadline, also if that is nothing; but it gives up before it sends.
	_, err := dmsv1.NewTasksClient(client).Overview(ctx, &dmsv1.OverviewRequest{})
	if err == nil {
		t.Fatal("a call whose time is up went well")
	}
	if _, err := dmsv1.NewTasksClient(client).Overview(timed(t), &dmsv1.OverviewRequest{}); err != nil {
		t.Fatal(err)
	}
}

func TestTheExampleRuns(t *testing.T) {
	server := startScheduler(t)
	var out bytes.Buffer
	if err := run(&out, server.address, "", "t-1"); err != nil {
		t.Fatalf("%v, after:\n%s", err, out.String())
	}
	expected := `submitted t-1 TASK_STATUS_QUEUED
fetched t-1, attempt 1: {"from": "/a", "to": "/b"}
finished t-1 TASK_STATUS_COMPLETED: {"bytes": 42}
`
	if out.String() != expected {
		t.Fatalf("it said:\n%s", out.String())
	}
}

func TestAParkedNextEndsAtItsDeadlineAndTakesNoTask(t *testing.T) {
	server := startScheduler(t)
	client := connect(t, server.address)
	submitter, tasks := dmsv1.NewSubmitterClient(client), dmsv1.NewTasksClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := submitter.Next(ctx, &dmsv1.NextRequest{WaitMs: 30_000, LeaseMs: 30_000})
	if err == nil {
		t.Fatal("a Next without a task went well before its wait was over")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stats, err := tasks.GetStats(timed(t), &dmsv1.GetStatsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if stats.WaitingSubmitters == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the call is parked still")
		}
	}
	if _, err := tasks.Enqueue(timed(t), submission("t")); err != nil {
		t.Fatal(err)
	}
	next, err := submitter.Next(timed(t), &dmsv1.NextRequest{})
	if err != nil || len(next.Tasks) != 1 {
		t.Fatalf("got %v, %v", next, err)
	}
}

package integration_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// taskDef returns a registered definition.
func taskDef(ctx context.Context, name string) (object, error) {
	raw, err := shared.server.TaskDef(ctx, name)
	if err != nil {
		return nil, err
	}
	var def object
	return def, json.Unmarshal(raw, &def)
}

// awaitTaskDef waits until a definition is registered.
func awaitTaskDef(t *testing.T, name string) object {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var def object
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		var err error
		def, err = taskDef(ctx, name)
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("no task definition %s: %v", name, err)
	}
	return def
}

func TestExistingTaskDefIsNotChanged(t *testing.T) {
	// The worker registers this name after get_signed_jwt.
	awaitTaskDef(t, "GET_SIGNED_JWT")
	second := shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN=taskdefs")
	if err := second.awaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	var want object
	if err := json.Unmarshal([]byte(existingTaskDef), &want); err != nil {
		t.Fatal(err)
	}
	got := awaitTaskDef(t, "get_signed_jwt")
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			t.Errorf("%s = %v, want %v as its owner set it", name, got[name], value)
		}
	}
}

// A SIMPLE task is queued under its name. Without a definition the server uses a
// response timeout of an hour.
func TestMissingTaskDefIsRegistered(t *testing.T) {
	const simple, named = "sign_simply", "signed_by_name"
	shared.readyWorker(t, "CONDUCTOR_JWT_TASK_TYPES="+simple+",GET_SIGNED_JWT")
	awaitTaskDef(t, simple)
	inputs := object{"subject": "s", "privateKey": keySecret}
	for name, task := range map[string]object{
		simple: {"name": simple, "taskReferenceName": "jwt", "type": "SIMPLE", "inputParameters": inputs},
		named:  {"name": named, "taskReferenceName": "jwt", "type": "GET_SIGNED_JWT", "inputParameters": inputs},
	} {
		for range 3 {
			shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
			awaitTaskDef(t, name)
			if err := shared.server.DeleteTaskDef(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRegisteredTaskDefIsTheDocumentedOne(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(shared.root, "deploy", "conductor", "taskdefs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []object
	if err := json.Unmarshal(raw, &documented); err != nil {
		t.Fatal(err)
	}
	if len(documented) < 2 || documented[0]["name"] != "get_signed_jwt" || documented[1]["name"] != "GET_SIGNED_JWT" {
		t.Fatal("deploy/conductor/taskdefs.json does not begin with get_signed_jwt and GET_SIGNED_JWT")
	}
	for _, want := range documented[:2] { // the worker of the tests polls no other type
		got := awaitTaskDef(t, "GET_SIGNED_JWT")
		for name, value := range want {
			if name != "name" && !reflect.DeepEqual(got[name], value) {
				t.Errorf("%s: %s = %v in deploy/conductor/taskdefs.json; the worker registers %v", want["name"], name, value, got[name])
			}
		}
	}
}

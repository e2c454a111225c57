package runtimeapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// call is one invocation on its way through a process.
type call struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan result // buffered: the answer never waits for its reader
}

type result struct {
	payload []byte
	err     error // a *FunctionError
}

// routes is the Runtime API as one process sees it.
func (p *process) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initFailure)
	return mux
}

// next holds the request until there is an event. The first one ends the init phase.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.readyOnce.Do(func() {
		p.init = time.Since(p.started)
		close(p.ready)
	})
	select {
	case c := <-p.calls:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+p.opts.region()+":123456789012:function:"+p.opts.FunctionName)
		_, _ = w.Write(c.payload)
	case <-r.Context().Done():
	}
}

func (p *process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := &FunctionError{Type: TooLarge, Message: "the answer is larger than " + strconv.Itoa(MaxPayload) + " bytes"}
		p.complete(r.PathValue("id"), result{err: e})
		reply(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
	case err != nil: // the process died while it was answering: its exit is the answer
		reply(w, http.StatusBadRequest, "InvalidRequest")
	case !p.complete(r.PathValue("id"), result{payload: body}):
		reply(w, http.StatusBadRequest, "InvalidRequestID")
	default:
		reply(w, http.StatusAccepted, "")
	}
}

func (p *process) failure(w http.ResponseWriter, r *http.Request) {
	body, e, err := readError(w, r)
	switch {
	case err != nil:
		reply(w, http.StatusBadRequest, "InvalidRequest")
	case !p.complete(r.PathValue("id"), result{payload: body, err: e}):
		reply(w, http.StatusBadRequest, "InvalidRequestID")
	default:
		reply(w, http.StatusAccepted, "")
	}
}

func (p *process) initFailure(w http.ResponseWriter, r *http.Request) {
	_, e, err := readError(w, r)
	if err != nil {
		reply(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	select {
	case p.initErr <- e:
	default: // only the first counts
	}
	reply(w, http.StatusAccepted, "")
}

func readError(w http.ResponseWriter, r *http.Request) ([]byte, *FunctionError, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		return nil, nil, err
	}
	return body, functionError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type")), nil
}

// complete gives the current call its result, once.
func (p *process) complete(id string, r result) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.id != id {
		return false
	}
	p.current.done <- r
	p.current = nil
	return true
}

func reply(w http.ResponseWriter, status int, errorType string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if errorType == "" {
		_, _ = io.WriteString(w, `{"status":"OK"}`)
		return
	}
	_, _ = io.WriteString(w, `{"errorType":"`+errorType+`","errorMessage":""}`)
}

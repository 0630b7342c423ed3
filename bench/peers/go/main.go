// SPDX-License-Identifier: MIT

// Peer of yield, spawn-join, crowd, sleepers and timers: goroutines and the
// runtime's own timers. Called like the others: PROGRAM ROW [DIVISOR].
// Meant to run with GOMAXPROCS=1, as the loops beside it have one thread.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const fireSpan = 100 * time.Millisecond

func quartile(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/4]
}

func report(row string, value float64, unit string) {
	fmt.Printf("%s %.2f %s\n", row, value, unit)
}

func check(isGood bool, what string) {
	if !isGood {
		fmt.Fprintln(os.Stderr, "bench: failed:", what)
		os.Exit(1)
	}
}

// each is the time since begin, divided among count.
func each(begin time.Time, count int) float64 {
	return float64(time.Since(begin).Nanoseconds()) / float64(count)
}

// cpu is the CPU time of the process so far.
func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memory is what the process occupies: pages and page tables, in bytes.
func memory() int {
	status, err := os.ReadFile("/proc/self/status")
	check(err == nil, "read /proc/self/status")
	total := 0
	for _, line := range strings.Split(string(status), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 1 && (fields[0] == "VmRSS:" || fields[0] == "VmPTE:") {
			kib, _ := strconv.Atoi(fields[1])
			total += kib * 1024
		}
	}
	return total
}

// yields has the tasks yield the given times each, and returns ns per yield.
func yields(tasks, times int) float64 {
	begin := time.Now()
	var group sync.WaitGroup
	group.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			for j := 0; j < times; j++ {
				runtime.Gosched()
			}
			group.Done()
		}()
	}
	group.Wait()
	return each(begin, tasks*times)
}

func rowYield(row string, tasks, divisor int) {
	times := 2000000 / tasks / divisor
	slices := make([]float64, 9)
	yields(tasks, times/4+1)
	for i := range slices {
		slices[i] = yields(tasks, times)
	}
	report(row, quartile(slices), "ns")
}

func spawnJoin(count int) float64 {
	begin := time.Now()
	var group sync.WaitGroup
	for i := 0; i < count; i++ {
		group.Add(1)
		go group.Done()
		group.Wait()
	}
	return each(begin, count)
}

func rowSpawnJoin(divisor int) {
	count := 500000 / divisor
	slices := make([]float64, 9)
	spawnJoin(count/4 + 1)
	for i := range slices {
		slices[i] = spawnJoin(count)
	}
	report("spawn-join", quartile(slices), "ns")
}

func crowd(count int) float64 {
	begin := time.Now()
	var group sync.WaitGroup
	group.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			runtime.Gosched()
			group.Done()
		}()
	}
	group.Wait()
	return each(begin, count)
}

func rowCrowd() {
	count := 100000
	cold := crowd(count)
	slices := make([]float64, 9)
	for i := range slices {
		slices[i] = crowd(count)
	}
	report("crowd-cold", cold, "ns")
	report("crowd-warm", quartile(slices), "ns")
}

func rowSleepers(divisor int) {
	count := 1000000 / divisor
	before := memory()
	started := 0
	begin := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			started++ // one P, and no preemption point in between
			time.Sleep(time.Hour)
		}()
	}
	for started < count {
		runtime.Gosched()
	}
	spawn := each(begin, count)
	time.Sleep(100 * time.Millisecond)
	growth := memory() - before
	report("sleepers", float64(growth)/float64(count), "B")
	report("sleepers-spawn", spawn, "ns")
}

// fire starts timers that are due within fireSpan of a common moment, late
// enough that all are in place by then, and returns CPU ns per timer.
func fire(count int) float64 {
	var fired int64
	start := time.Now().Add(2 * time.Second)
	for i := 0; i < count; i++ {
		due := start.Add(time.Duration(rand.Int63n(int64(fireSpan))))
		time.AfterFunc(time.Until(due), func() {
			atomic.AddInt64(&fired, 1)
		})
	}
	check(time.Now().Before(start), "timers are in place in time")
	runtime.GC()
	time.Sleep(time.Until(start.Add(-10 * time.Millisecond)))
	begin := cpu()
	for atomic.LoadInt64(&fired) < int64(count) {
		time.Sleep(5 * time.Millisecond)
	}
	return float64(cpu()-begin) / float64(count)
}

func rowTimers(divisor int) {
	count := 1000000 / divisor
	order := rand.Perm(count)
	delays := make([]time.Duration, count)
	for i := range delays {
		delays[i] = time.Second + time.Duration(rand.Int63n(59e9))
	}
	var insert, cancel, fires []float64
	timers := make([]*time.Timer, count)
	for slice := 0; slice < 2; slice++ {
		runtime.GC()
		begin := time.Now()
		for i := range timers {
			timers[i] = time.AfterFunc(delays[i], func() {})
		}
		insert = append(insert, each(begin, count))
		begin = time.Now()
		for _, i := range order {
			timers[i].Stop()
		}
		cancel = append(cancel, each(begin, count))
	}
	fires = append(fires, fire(count))
	report("timer-insert", quartile(insert), "ns")
	report("timer-cancel", quartile(cancel), "ns")
	report("timer-fire", quartile(fires), "ns")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "echo" {
		echo()
	}
	row, divisor := "--version", 1
	if len(os.Args) > 1 {
		row = os.Args[1]
	}
	if len(os.Args) > 2 {
		divisor, _ = strconv.Atoi(os.Args[2])
		check(divisor >= 1, "the divisor is at least 1")
	}
	switch row {
	case "--version":
		fmt.Println("Go", strings.TrimPrefix(runtime.Version(), "go"))
	case "yield-1":
		rowYield(row, 1, divisor)
	case "yield-1000":
		rowYield(row, 1000, divisor)
	case "spawn-join":
		rowSpawnJoin(divisor)
	case "crowd":
		rowCrowd()
	case "sleepers":
		rowSleepers(divisor)
	case "timers":
		rowTimers(divisor)
	default:
		check(false, "no such row: "+row)
	}
}

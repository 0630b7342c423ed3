// SPDX-License-Identifier: MIT

//! Peer of yield, spawn-join, crowd, sleepers and timers: Tokio's
//! current_thread runtime. Called like the others: PROGRAM ROW [DIVISOR].

mod echo;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::time::Instant as Clock;
use tokio::runtime::Builder;
use tokio::task::{spawn, yield_now, JoinHandle};
use tokio::time::{sleep, sleep_until, Duration, Instant, Sleep};

const FIRE_SPAN_US: u64 = 100_000;

fn check(is_good: bool, what: &str) {
    if !is_good {
        eprintln!("bench: failed: {what}");
        std::process::exit(1);
    }
}

fn quartile(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 4]
}

fn report(row: &str, value: f64, unit: &str) {
    println!("{row} {value:.2} {unit}");
}

/// The time since begin, divided among count.
fn each(begin: Clock, count: usize) -> f64 {
    begin.elapsed().as_nanos() as f64 / count as f64
}

/// CPU time of the process so far, in ns.
fn cpu() -> i64 {
    let mut ts: libc::timespec = unsafe { std::mem::zeroed() };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    ts.tv_sec * 1_000_000_000 + ts.tv_nsec
}

/// What the process occupies: pages and page tables, in bytes.
fn memory() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .filter(|line| line.starts_with("VmRSS:") || line.starts_with("VmPTE:"))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .map(|kib| kib.parse::<i64>().unwrap() * 1024)
        .sum()
}

/// xorshift, as the programs in C have it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffled(&mut self, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count as u32).collect();
        for i in (1..count).rev() {
            order.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
        order
    }
}

async fn yields(tasks: usize, times: usize) -> f64 {
    let begin = Clock::now();
    let mut handles = Vec::with_capacity(tasks);
    for _ in 0..tasks {
        handles.push(spawn(async move {
            for _ in 0..times {
                yield_now().await;
            }
        }));
    }
    for handle in handles {
        handle.await.unwrap();
    }
    each(begin, tasks * times)
}

async fn row_yield(row: &str, tasks: usize, divisor: usize) {
    let times = 2_000_000 / tasks / divisor;
    let mut slices = [0.0; 9];
    yields(tasks, times / 4 + 1).await;
    for slice in &mut slices {
        *slice = yields(tasks, times).await;
    }
    report(row, quartile(&mut slices), "ns");
}

async fn spawn_join(count: usize) -> f64 {
    let begin = Clock::now();
    for _ in 0..count {
        spawn(async {}).await.unwrap();
    }
    each(begin, count)
}

async fn row_spawn_join(divisor: usize) {
    let count = 500_000 / divisor;
    let mut slices = [0.0; 9];
    spawn_join(count / 4 + 1).await;
    for slice in &mut slices {
        *slice = spawn_join(count).await;
    }
    report("spawn-join", quartile(&mut slices), "ns");
}

async fn crowd(count: usize) -> f64 {
    let begin = Clock::now();
    let mut handles: Vec<JoinHandle<()>> = Vec::with_capacity(count);
    for _ in 0..count {
        handles.push(spawn(yield_now()));
    }
    for handle in handles {
        handle.await.unwrap();
    }
    each(begin, count)
}

async fn row_crowd() {
    let count = 100_000;
    let cold = crowd(count).await;
    let mut slices = [0.0; 9];
    for slice in &mut slices {
        *slice = crowd(count).await;
    }
    report("crowd-cold", cold, "ns");
    report("crowd-warm", quartile(&mut slices), "ns");
}

async fn row_sleepers(divisor: usize) {
    static ASLEEP: AtomicUsize = AtomicUsize::new(0);
    let count = 1_000_000 / divisor;
    let before = memory();
    let begin = Clock::now();
    for _ in 0..count {
        spawn(async {
            ASLEEP.fetch_add(1, Relaxed);
            sleep(Duration::from_secs(3600)).await;
        });
    }
    while ASLEEP.load(Relaxed) < count {
        yield_now().await;
    }
    let spawn_ns = each(begin, count);
    let growth = memory() - before;
    report("sleepers", growth as f64 / count as f64, "B");
    report("sleepers-spawn", spawn_ns, "ns");
    std::process::exit(0);
}

/// A million sleep futures without tasks around them: the wheel alone. The
/// boxed slice never moves, which is what makes pinning its items sound.
struct Timers(Box<[Option<Sleep>]>);

impl Timers {
    fn new(count: usize) -> Self {
        Timers((0..count).map(|_| None).collect())
    }

    fn pin(&mut self, i: usize) -> Pin<&mut Option<Sleep>> {
        unsafe { Pin::new_unchecked(&mut self.0[i]) }
    }

    /// The first poll is what puts a sleep into the wheel.
    fn insert(&mut self, i: usize, due: Instant, cx: &mut Context) {
        let mut slot = self.pin(i);
        slot.set(Some(sleep_until(due)));
        let poll = slot.as_mut().as_pin_mut().unwrap().poll(cx);
        check(poll.is_pending(), "a new sleep is pending");
    }
}

fn slice_insert_cancel(
    timers: &mut Timers,
    delays: &[Duration],
    order: &[u32],
) -> (f64, f64) {
    let mut cx = Context::from_waker(Waker::noop());
    let start = Instant::now();
    let begin = Clock::now();
    for (i, delay) in delays.iter().enumerate() {
        timers.insert(i, start + *delay, &mut cx);
    }
    let insert = each(begin, delays.len());
    let begin = Clock::now();
    for i in order {
        timers.pin(*i as usize).set(None);
    }
    (insert, each(begin, delays.len()))
}

/// Sleeps due within 100 ms of a common moment, late enough that all are in
/// place by then; CPU ns per sleep while they expire.
async fn slice_fire(timers: &mut Timers, count: usize) -> f64 {
    let mut random = Random(88172645463325252);
    let start = Instant::now() + Duration::from_secs(2);
    for i in 0..count {
        let us = random.next() % FIRE_SPAN_US;
        let mut cx = Context::from_waker(Waker::noop());
        timers.insert(i, start + Duration::from_micros(us), &mut cx);
    }
    check(Instant::now() < start, "timers are in place in time");
    sleep_until(start - Duration::from_millis(10)).await;
    let begin = cpu();
    sleep_until(start + Duration::from_micros(FIRE_SPAN_US + 5000)).await;
    let fire = (cpu() - begin) as f64 / count as f64;
    let is_elapsed = |slot: &Option<Sleep>| slot.as_ref().unwrap().is_elapsed();
    check(timers.0.iter().all(is_elapsed), "every timer fired");
    timers.0.iter_mut().for_each(|slot| *slot = None);
    fire
}

async fn row_timers(divisor: usize) {
    let count = 1_000_000 / divisor;
    let mut random = Random(88172645463325252);
    let delay = |_| Duration::from_millis(1000 + random.next() % 59_000);
    let delays: Vec<Duration> = (0..count).map(delay).collect();
    let order = random.shuffled(count);
    let mut timers = Timers::new(count);
    let (mut insert, mut cancel, mut fire) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    for i in 0..3 {
        (insert[i], cancel[i]) =
            slice_insert_cancel(&mut timers, &delays, &order);
        fire[i] = slice_fire(&mut timers, count).await;
    }
    report("timer-insert", quartile(&mut insert), "ns");
    report("timer-cancel", quartile(&mut cancel), "ns");
    report("timer-fire", quartile(&mut fire), "ns");
}

/// The locked version of Tokio itself.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let found = lock.split("name = \"tokio\"\nversion = \"").nth(1);
    found.and_then(|rest| rest.split('"').next()).unwrap_or("?")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let row = args.get(1).map_or("--version", String::as_str);
    if row == "echo" {
        let size = args.get(2).and_then(|text| text.parse().ok());
        echo::run(size.unwrap_or(16384));
    }
    let divisor = args.get(2).map_or(1, |text| text.parse().unwrap_or(0));
    check(divisor >= 1, "the divisor is at least 1");
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    match row {
        "--version" => println!("Tokio {}", version()),
        "yield-1" => runtime.block_on(row_yield(row, 1, divisor)),
        "yield-1000" => runtime.block_on(row_yield(row, 1000, divisor)),
        "spawn-join" => runtime.block_on(row_spawn_join(divisor)),
        "crowd" => runtime.block_on(row_crowd()),
        "sleepers" => runtime.block_on(row_sleepers(divisor)),
        "timers" => runtime.block_on(row_timers(divisor)),
        _ => check(false, "no such row"),
    }
}

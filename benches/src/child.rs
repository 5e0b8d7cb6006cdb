//! A server as a process of its own: where it runs, what CPU time it took, what memory it holds.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::servers::Runtime;
use crate::table::Class;

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// Which server to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// As tables name it.
    pub name: String,
    /// What it is compared with.
    pub class: Class,
    /// Does it speak WebSocket, or echo bytes?
    pub upgrades: bool,
    /// What it runs on, if it is a server of this crate.
    pub runtime: Option<Runtime>,
    /// A shell command with `{port}`; without one it is a server of this crate.
    pub command: Option<String>,
}

impl Program {
    /// Can it serve as many connections?
    #[must_use]
    pub fn serves(&self, connections: usize) -> bool {
        self.runtime
            .is_none_or(|runtime| connections <= runtime.most_connections())
    }
}

/// A running server.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ServerProcess {
    /// Starts a server on the first core and waits until it listens.
    ///
    /// # Errors
    /// If it does not.
    pub fn start(program: &Program) -> io::Result<Self> {
        let mut command = match &program.command {
            Some(line) => {
                let mut command = Command::new("sh");
                let port = free_port()?.to_string();
                command.args(["-c", &format!("exec {}", line.replace("{port}", &port))]);
                command.stdout(Stdio::null());
                return Self::spawn(command, |child| wait(child, &port, &program.name));
            }
            None => Command::new(std::env::current_exe()?),
        };
        command.args(["serve", &program.name]);
        command.stdout(Stdio::piped());
        Self::spawn(command, |child| {
            let mut line = String::new();
            if let Some(out) = child.stdout.take() {
                BufReader::new(out).read_line(&mut line)?;
            }
            let address = line.trim().parse();
            address.map_err(|_| does_not_listen(&program.name))
        })
    }

    fn spawn(
        mut command: Command,
        listening: impl FnOnce(&mut Child) -> io::Result<SocketAddr>,
    ) -> io::Result<Self> {
        command.stdin(Stdio::piped());
        // A process starts on the core of the thread that starts it.
        let child = thread::scope(|scope| {
            let start = scope.spawn(|| {
                pin(Core::Server)?;
                command.spawn()
            });
            start
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
        })?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address };
        server.address = listening(&mut server.child)?;
        Ok(server)
    }

    /// CPU time, user and system, of all its threads.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += times
                .split_whitespace()
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Bytes of memory that it holds.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(resident(&status).unwrap_or(0))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port for a server that can't pick one itself.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until a server that says nothing listens.
fn wait(child: &mut Child, port: &str, name: &str) -> io::Result<SocketAddr> {
    let port = port.parse().map_err(io::Error::other)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if child.try_wait()?.is_some() || start.elapsed() > START {
            return Err(does_not_listen(name));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(address)
}

fn does_not_listen(name: &str) -> io::Error {
    io::Error::other(format!("{name} does not listen"))
}

/// Bytes of memory that this process holds.
///
/// # Errors
/// If the system does not say.
pub fn resident_here() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(resident(&status).unwrap_or(0))
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kib)
}

/// Who runs where, on a machine with more than one core.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    /// The load generator: the second core.
    Load,
    /// The servers: the first core.
    Server,
}

/// Binds this thread to its core, if there are two that it may run on.
///
/// # Errors
/// If the system refuses.
#[cfg(target_os = "linux")]
pub fn pin(core: Core) -> io::Result<()> {
    let all = sched_getaffinity(None)?;
    let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| all.is_set(cpu));
    if let (Some(first), Some(second)) = (allowed.next(), allowed.next()) {
        let mut one = CpuSet::new();
        one.set(match core {
            Core::Load => second,
            Core::Server => first,
        });
        sched_setaffinity(None, &one)?;
    }
    Ok(())
}

/// Other systems place threads as they like.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: Core) -> io::Result<()> {
    Ok(())
}

/// Runs `work` on the core of the load generator.
///
/// # Errors
/// Those of `work`.
pub fn pinned<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            pin(Core::Load)?;
            work()
        });
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the load generator panicked")))
    })
}

/// Raises the limit of descriptors as far as it goes, also for servers started later, and says how
/// many connections fit.
#[must_use]
pub fn most_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors)
        .unwrap_or(usize::MAX)
        .saturating_sub(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status_of_a_process() {
        let status = "Name:\tx\nVmHWM:\t    900 kB\nVmRSS:\t     512 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(resident(status), Some(512 * 1024));
        assert_eq!(resident("Name:\tkthread\n"), None);
    }

    #[test]
    fn an_external_server_runs_and_ends_with_its_handle() {
        let program = |command: &str| Program {
            name: "x".into(),
            class: Class::Full,
            upgrades: true,
            runtime: None,
            command: Some(command.into()),
        };
        let error = ServerProcess::start(&program("true {port}")).unwrap_err();
        assert_eq!(error.to_string(), "x does not listen");
    }
}

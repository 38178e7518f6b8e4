//! One node of Apache Kafka that is broker and controller: its configuration, and what must be there before it starts.

use std::{path::Path, process::Command};

use super::{Ports, Secured};

pub const USER: &str = "vigie";
pub const PASSWORD: &str = "vigie-secret";

/// Any 16 bytes in base64: each broker has a folder of its own.
const CLUSTER: &str = "dmlnaWUtdGVzdC1icm9rZQ";

/// Tests want a broker soon and small; what C2 gains in speed it costs in start-up on two cores.
const JVM: [&str; 4] = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// Clients are served at CLIENT alone; INTERNAL is how the node talks to itself, so that it needs no password.
const SERVER: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=CLIENT://127.0.0.1:{client},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{client},INTERNAL://127.0.0.1:{internal}
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
log.initial.task.delay.ms=500
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
";

const LOG: &str = "\
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
";

pub struct Apache<'a> {
    pub java: &'a Path,
    pub classpath: &'a str,
    pub folder: &'a Path,
}

impl Apache<'_> {
    /// Writes the configuration and formats the storage; gives the command that starts the broker.
    pub fn prepare(&self, ports: Ports, secured: Option<Secured>) -> Result<Vec<String>, String> {
        let mut server = SERVER.to_owned();
        for (name, value) in [
            ("{client}", ports.client.to_string()),
            ("{internal}", ports.internal.to_string()),
            ("{controller}", ports.controller.to_string()),
            ("{data}", self.path("data")),
            ("{protocol}", secured.map_or("PLAINTEXT", Secured::protocol).to_owned()),
        ] {
            server = server.replace(name, &value);
        }
        let mut format = vec!["format", "--standalone", "-t", CLUSTER, "-c"];
        let server_file = self.path("server.properties");
        let scram = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
        format.push(&server_file);
        if secured.is_some_and(Secured::asks_a_password) {
            server += "listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
                listener.name.client.scram-sha-512.sasl.jaas.config=\
                org.apache.kafka.common.security.scram.ScramLoginModule required;\n";
            format.extend(["--add-scram", &scram]);
        }
        if secured.is_some_and(Secured::is_encrypted) {
            self.certify()?;
            server += &format!(
                "listener.name.client.ssl.keystore.type=PKCS12\nlistener.name.client.ssl.keystore.location={}\n\
                 listener.name.client.ssl.keystore.password={PASSWORD}\n",
                self.path("keys.p12")
            );
        }
        write(&server_file, &server)?;
        write(&self.path("log4j2.properties"), LOG)?;
        ran(Command::new(self.java).args(self.java_arguments("kafka.tools.StorageTool")).args(format))?;
        let mut start = vec![self.java.to_string_lossy().into_owned()];
        start.extend(self.java_arguments("kafka.Kafka"));
        start.push(server_file);
        Ok(start)
    }

    /// A certificate that the broker signs itself, for 127.0.0.1; `ca.pem` is what clients trust.
    fn certify(&self) -> Result<(), String> {
        let java = self.java.canonicalize().map_err(|e| format!("{}: {e}", self.java.display()))?;
        let keytool = |what: &[&str]| {
            let store = ["-alias", "vigie", "-storetype", "PKCS12", "-storepass", PASSWORD, "-keystore"];
            ran(Command::new(java.with_file_name("keytool")).args(what).args(store).arg(self.path("keys.p12")))
        };
        let san = "san=ip:127.0.0.1,dns:localhost";
        keytool(&["-genkeypair", "-keyalg", "RSA", "-dname", "CN=vigie-test", "-validity", "3650", "-ext", san])?;
        keytool(&["-exportcert", "-rfc", "-file", &self.path("ca.pem")])
    }

    fn java_arguments(&self, class: &str) -> Vec<String> {
        let log = format!("-Dlog4j2.configurationFile={}", self.path("log4j2.properties"));
        let mut arguments: Vec<String> = JVM.iter().map(|a| (*a).to_owned()).collect();
        arguments.extend([log, "-cp".to_owned(), self.classpath.to_owned(), class.to_owned()]);
        arguments
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).to_string_lossy().into_owned()
    }
}

fn write(path: &str, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("{path}: {e}"))
}

fn ran(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
}

//! Domains with their mail servers and their policies.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::{Authority, Certificate, Folder, free_port};
use scop_interop::service::Service;
use serde_json::{Value, json};

use crate::world::World;

/// The certificate of a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Good,
    OtherName,
    Expired,
    SelfSigned,
    /// TLS 1.1 alone.
    Old,
    /// No STARTTLS.
    Nothing,
}

/// What is at the place of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    Policy,
    /// The same, from a server whose certificate is for other names.
    Unvouched,
    Nonsense,
    Nothing,
}

/// The domain `NAME.test`. Its server is `mail.NAME.test`, at an address of its own.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub name: &'static str,
    /// Of its policy; none where there is no policy.
    pub mode: Option<&'static str>,
    /// The `mx` line of the policy; the server's own name without it.
    pub mx: Option<&'static str>,
    pub served: Served,
    pub shown: Shown,
    /// The server offers REQUIRETLS.
    pub require_tls: bool,
}

pub const fn site(name: &'static str, mode: Option<&'static str>, shown: Shown) -> Site {
    Site {
        name,
        mode,
        mx: None,
        served: Served::Policy,
        shown,
        require_tls: false,
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The name of the site whose server took it.
    pub site: &'static str,
    pub tls: bool,
    pub to: Vec<String>,
    /// Parameters of MAIL.
    pub options: Vec<String>,
    pub data: Vec<u8>,
}

/// All of them.
pub struct Stage {
    pub world: World,
    sites: Vec<Site>,
    port: u16,
    policies: Peer,
    reports: Peer,
    servers: Peer,
    arrived: Vec<Letter>,
    folder: Folder,
}

impl Stage {
    /// `None` when a program is not installed. Domains want reports as `rua` says, which is told the port of the web
    /// server `reports.test`.
    pub fn new(sites: &[Site], rua: impl Fn(usize, &Site, u64) -> String) -> Option<Self> {
        let folder = Folder::new("policy");
        let authority = Authority::new();
        fs::write(folder.path().join("roots.pem"), authority.certificate()).unwrap();
        let policies = policies(folder.path(), &authority, sites)?;
        // Another server, and so another port.
        let names = ["reports.test".to_owned()];
        let reports = https(&folder.path().join("reports"), &authority, &names)?;
        let port = free_port();
        let servers = servers(folder.path(), &authority, sites, port)?;
        let mut zone = "host-record=reports.test,127.0.0.1\n".to_owned();
        for (number, site) in sites.iter().enumerate() {
            let rua = rua(number, site, port_of(&reports));
            zone.push_str(&records(number, site, &rua));
        }
        Some(Self {
            world: World::new(&zone)?,
            sites: sites.to_vec(),
            port,
            policies,
            reports,
            servers,
            arrived: Vec::new(),
            folder,
        })
    }

    /// Of a sender whose log is JSON. Nothing is tried a second time. `rest` is more of it.
    pub fn sender(&self, rest: &str) -> String {
        self.world.sender_config(&format!(
            "[route]\nto = \"mx\"\nport = {}\nprivate_addresses = true\n\
             [retry]\nfirst = \"4h\"\nwarn = \"4d\"\n[log]\nformat = \"json\"\n\
             [tls]\nroots = \"{}\"\nmta_sts_port = {}\n{rest}",
            self.port,
            self.folder.path().join("roots.pem").display(),
            port_of(&self.policies),
        ))
    }

    /// The port of the web server that takes reports.
    pub fn reports_port(&self) -> u64 {
        port_of(&self.reports)
    }

    /// All that arrived so far.
    pub fn arrived(&mut self) -> &[Letter] {
        let answer = self.servers.ask(&json!({}));
        let texts = |list: &Value| {
            let list = list.as_array().unwrap().iter();
            list.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        for message in answer["messages"].as_array().unwrap() {
            let at = |number: &usize| message["host"] == host(*number);
            let number = (0..self.sites.len()).find(at).unwrap();
            self.arrived.push(Letter {
                site: self.sites[number].name,
                tls: message["tls"] == true,
                to: texts(&message["to"]),
                options: texts(&message["options"]),
                data: STANDARD.decode(message["data"].as_str().unwrap()).unwrap(),
            });
        }
        &self.arrived
    }

    /// Hosts whose policy was asked for since the last question.
    pub fn asked(&mut self) -> Value {
        self.policies.ask(&json!({}))["hosts"].take()
    }

    /// What was posted since the last question.
    pub fn posted(&mut self) -> Value {
        self.reports.ask(&json!({}))["posted"].take()
    }
}

fn port_of(server: &Peer) -> u64 {
    server.greeting()["port"].as_u64().unwrap()
}

/// The lines of the log of a sender.
pub fn lines(sender: &Service) -> Vec<Value> {
    let log = sender.log();
    let lines = log.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn host(number: usize) -> String {
    format!("127.0.3.{}", number + 1)
}

/// What the DNS says of a site.
fn records(number: usize, site: &Site, rua: &str) -> String {
    let (name, host) = (site.name, host(number));
    let policy = match site.mode {
        Some(_) => format!(
            "txt-record=_mta-sts.{name}.test,\"v=STSv1; id=1\"\nhost-record=mta-sts.{name}.test,127.0.0.1\n"
        ),
        None => String::new(),
    };
    format!(
        "mx-host={name}.test,mail.{name}.test,10\nhost-record=mail.{name}.test,{host}\n\
         txt-record=_smtp._tls.{name}.test,\"v=TLSRPTv1; rua={rua}\"\n{policy}"
    )
}

/// The web server that has the policies.
fn policies(folder: &Path, authority: &Authority, sites: &[Site]) -> Option<Peer> {
    let folder = folder.join("policies");
    fs::create_dir(&folder).unwrap();
    let mut names = Vec::new();
    for site in sites {
        let Some(mode) = site.mode else { continue };
        let own = format!("mail.{}.test", site.name);
        let mx = site.mx.unwrap_or(&own);
        let host = format!("mta-sts.{}.test", site.name);
        let policy = match site.served {
            Served::Nonsense => "no policy\r\n".to_owned(),
            _ => format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n"),
        };
        if site.served != Served::Nothing {
            fs::write(folder.join(&host), policy).unwrap();
        }
        if site.served != Served::Unvouched {
            names.push(host);
        }
    }
    https(&folder, authority, &names)
}

/// A web server with the files of this folder, and with a certificate for these names.
fn https(folder: &Path, authority: &Authority, names: &[String]) -> Option<Peer> {
    let files = folder.join("certificate");
    fs::create_dir_all(&files).unwrap();
    authority.certify(names, false).write(&files);
    let file = |name: &str| files.join(name).display().to_string();
    let arguments = [
        &*file("cert.pem"),
        &*file("key.pem"),
        folder.to_str().unwrap(),
    ];
    Peer::python_with("https_peer.py", &arguments, "https")
}

/// The servers that take mail.
fn servers(folder: &Path, authority: &Authority, sites: &[Site], port: u16) -> Option<Peer> {
    let mut hosts = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let own = format!("mail.{}.test", site.name);
        let certificate = match site.shown {
            Shown::Good | Shown::Old => Some(authority.certify(&[own], false)),
            Shown::OtherName => Some(authority.certify(&["mail.elsewhere.test".to_owned()], false)),
            Shown::Expired => Some(authority.certify(&[own], true)),
            Shown::SelfSigned => Some(Certificate::new()),
            Shown::Nothing => None,
        };
        let files = folder.join(site.name);
        fs::create_dir(&files).unwrap();
        if let Some(certificate) = &certificate {
            certificate.write(&files);
        }
        hosts.push(json!({
            "host": host(number),
            "certificate": certificate.map(|_| files.join("cert.pem")),
            "key": files.join("key.pem"),
            "require_tls": site.require_tls,
            "old_tls": site.shown == Shown::Old,
        }));
    }
    let file = folder.join("hosts.json");
    fs::write(&file, Value::from(hosts).to_string()).unwrap();
    let arguments = [&port.to_string(), file.to_str().unwrap()];
    Peer::python_with("aiosmtpd_hosts_peer.py", &arguments, "aiosmtpd")
}

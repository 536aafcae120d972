//! Somebody's own FTP server, in a container that testcontainers starts, and a lab around it: the
//! container's network is the lab's. `cargo test --example own_image` runs it, as root.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("This is a test: run `cargo test --example own_image`.");
    println!("To have the like in your own crate, copy the module `tests` of this file.");
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use fwlab::DataSetup::{Pasv, Port};
    use fwlab::{Lab, Operation, OwnServer, assert_blocked, assert_transferred};
    use testcontainers::core::client::docker_client_instance;
    use testcontainers::runners::AsyncRunner;
    use testcontainers::{ContainerAsync, GenericImage, ImageExt};

    /// How the server is set up is its owner's affair: here by what is run in place of the
    /// image's entry point.
    const SERVE: &str = "
        mkdir -p /run/vsftpd/empty
        printf '%s\\n' listen=YES background=NO anonymous_enable=NO local_enable=YES write_enable=YES \
            seccomp_sandbox=NO local_root=/srv secure_chroot_dir=/run/vsftpd/empty \
            pam_service_name=vsftpd >/tmp/vsftpd.conf
        chmod 777 /srv
        exec vsftpd /tmp/vsftpd.conf";

    /// Starts the server; nothing where there is no Docker, or not this image.
    async fn started() -> Result<Option<(ContainerAsync<GenericImage>, u32)>, Box<dyn Error>> {
        // Any image of an FTP server would do; this one is here after `fwlab images`.
        let reference = fwlab_containers::Image::Vsftpd.to_string();
        let docker = match docker_client_instance().await {
            Ok(docker) => docker,
            Err(error) => {
                eprintln!("skipped: no Docker: {error}");
                return Ok(None);
            }
        };
        if let Err(error) = docker.inspect_image(&reference).await {
            eprintln!("skipped: {reference}: {error}");
            return Ok(None);
        }
        let (repository, tag) = reference.split_once(':').ok_or("a tag")?;
        let container = GenericImage::new(repository, tag)
            .with_entrypoint("/bin/sh")
            // The lab brings the network, and nothing else does.
            .with_network("none")
            .with_cmd(["-c", SERVE])
            // vsftpd as process 1 dies of the first orphan that it is told of.
            .with_host_config_modifier(|host| host.init = Some(true))
            .start()
            .await?;
        let found = docker.inspect_container(container.id(), None).await?;
        let pid = found.state.and_then(|state| state.pid).ok_or("a process")?;
        Ok(Some((container, pid.try_into()?)))
    }

    #[test]
    fn a_server_of_ones_own_behind_a_gateway() -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Runtime::new()?;
        let Some((container, pid)) = runtime.block_on(started())? else {
            return Ok(());
        };
        let gateway = Lab::gateway()
            .rules(
                "iptables -P FORWARD DROP
                iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
                iptables -A FORWARD -i lan -j ACCEPT",
            )
            .server(OwnServer::new(pid, "/srv").with_login("fwlab", "fwlab"));
        assert_transferred!(gateway.transfer(Pasv)?);
        assert_transferred!(gateway.run(Pasv, Operation::Stor)?);
        assert_blocked!(gateway.transfer(Port)?, by policy "filter/FORWARD");
        assert_transferred!(gateway.with_helper().transfer(Port)?);
        runtime.block_on(container.rm())?;
        Ok(())
    }
}

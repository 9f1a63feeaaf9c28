%% Erlang's own TLS, with everything enabled that it has: a server, or a client
%% that offers one suite of one version at a time.
-module(erlang_tls).
-export([main/0]).

main() ->
    [Mode, Host, Port | Files] = init:get_plain_arguments(),
    logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Address} = inet:parse_address(Host),
    case Mode of
        "serve" -> serve(Address, list_to_integer(Port), Files);
        "probe" -> probe(Address, list_to_integer(Port)), halt(0)
    end.

versions() -> ['tlsv1', 'tlsv1.1', 'tlsv1.2', 'tlsv1.3'].

serve(Address, Port, [RSACert, RSAKey, ECCert, ECKey]) ->
    Suites = lists:usort(lists:append([suites(V) || V <- versions()])),
    {ok, Listener} = ssl:listen(Port, [{ip, Address}, {reuseaddr, true}, {active, false}, {versions, versions()}, {ciphers, Suites},
        {certs_keys, [#{certfile => RSACert, keyfile => RSAKey}, #{certfile => ECCert, keyfile => ECKey}]}]),
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = ssl:transport_accept(Listener),
    Pid = spawn(fun() ->
        receive go -> ok end,
        case ssl:handshake(Socket, 10000) of
            {ok, Connection} -> ssl:recv(Connection, 0, 10000), ssl:close(Connection);
            _ -> ok
        end
    end),
    ssl:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener).

%% All but those that need a shared secret.
suites(Version) ->
    All = ssl:cipher_suites(all, Version) ++ anonymous(Version),
    [S || #{key_exchange := K} = S <- All, not lists:member(K, [psk, dhe_psk, rsa_psk, ecdhe_psk, srp_anon, srp_rsa, srp_dss])].

anonymous('tlsv1.3') -> [];
anonymous(Version) -> ssl:cipher_suites(anonymous, Version).

probe(Address, Port) ->
    [attempt(Address, Port, V, S) || V <- versions(), S <- suites(V)].

attempt(Address, Port, Version, Suite) ->
    Options = [{versions, [Version]}, {ciphers, [Suite]}, {verify, verify_none}, {server_name_indication, "portal.example"}, {active, false}],
    case ssl:connect(Address, Port, Options, 10000) of
        {ok, Socket} ->
            {ok, [{protocol, Chosen}, {selected_cipher_suite, Used}]} = ssl:connection_information(Socket, [protocol, selected_cipher_suite]),
            io:format("~s ~s~n", [name(Chosen), ssl:suite_to_str(Used)]),
            ssl:close(Socket);
        {error, timeout} -> halt(1);
        {error, _} -> no
    end.

name('tlsv1') -> "TLSv1.0";
name('tlsv1.1') -> "TLSv1.1";
name('tlsv1.2') -> "TLSv1.2";
name('tlsv1.3') -> "TLSv1.3".
